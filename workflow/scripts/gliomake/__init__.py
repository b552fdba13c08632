"""gliomake: five published brain-tumour segmentation studies, from raw MRI to audited scores.

One module a stage; each stage reads the files of the one before it:

``phantom -> datasets -> index -> split -> preprocess -> shards -> models, losses, augment ->
training -> predict -> counts -> metrics -> claims, figures, tables -> report``

The library knows nothing of Snakemake and is imported without installation.
"""

__version__ = "0.1.0"
