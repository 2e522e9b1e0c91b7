"""Models to train further: those of Hugging Face, found, fetched, and taken in as bundles of ours; and bundles of ours.

A folder or a name goes in, a bundle comes out. ``hub`` finds and fetches
(https://huggingface.co/docs/huggingface_hub), ``adopt`` renumbers pieces and checks that the model computes here what
it computes there; ``start`` says which bundles of ours a training can go on from. Reads safetensors alone, and runs no
code that comes with a model.
"""
