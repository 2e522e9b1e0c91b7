"""Pretrained models of Hugging Face: found, fetched, and taken in as bundles of ours.

A folder or a name goes in, a bundle comes out. ``hub`` finds and fetches
(https://huggingface.co/docs/huggingface_hub), ``adopt`` renumbers pieces and checks that the model computes here what
it computes there. Reads safetensors alone, and runs no code that comes with a model.
"""
