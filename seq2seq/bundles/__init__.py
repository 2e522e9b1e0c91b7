"""A model that can be carried: one folder with weights, tokenizer, manifest, and the digests of where it came from.

``manifest`` reads, checks and seals a bundle of any engine and needs no PyTorch; ``pytorch`` writes and reads the
weights as safetensors (https://huggingface.co/docs/safetensors), in float32 or int8. Never reads a pickle, and knows
neither training nor search.
"""
