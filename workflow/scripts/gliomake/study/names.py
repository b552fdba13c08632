"""How models, data sets and targets are called where people read them: no slugs.

Imported whenever the workflow starts, so it needs the standard library only.
"""

NAMES = {
    "bce": "BCE",
    "coco": "COCO",
    "flair": "FLAIR",
    "iou": "IoU",
    "resnet50": "ResNet50",
    "resunet": "ResUNet",
    "unet": "U-Net",
    "vgg16": "VGG16",
    "vgg19": "VGG19",
}


def display_name(slug: str) -> str:
    """Make words of the name of a model, a figure or a table.

    Parameters
    ----------
    slug : str
        Words joined by ``-``.

    Returns
    -------
    str
        The words, names of networks as the field writes them, the first letter large.

    Examples
    --------
    >>> display_name("attention-unet-v2"), display_name("resnet50-classifier")
    ('Attention U-Net v2', 'ResNet50 classifier')
    """
    words = [NAMES.get(word, word) for word in slug.split("-")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])
