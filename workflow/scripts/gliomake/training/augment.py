"""Batched augmentation whose draws depend on seed, epoch and slice alone.

The draws come from the counter-based generator Philox4x32-10 (Salmon et al. 2011, Parallel
random numbers: as easy as 1, 2, 3): the key is the seed, the counter holds epoch, slice and the
number of the draw. So a slice gets the same draw alone or in any batch, on any device, and
wherever a training was resumed. Each transformation has draws of its own; switching one on does
not change another.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10

# Upper bounds of the amounts (None: none); all are at least 0.
_AMOUNTS: dict[str, float | None] = {
    "rotate": math.pi,
    "shift": 1.0,
    "zoom": 1.0,
    "brightness": None,
    "contrast": 1.0,
    "colour_jitter": 1.0,
    "intensity_shift": None,
    "channel_dropout": 1.0,
}
_FLIPS = ("horizontal", "vertical")
AUGMENTATIONS = (*_AMOUNTS, "flip", "quarter_turns")

# The number of each draw. Fixed: a new transformation gets new numbers. Those drawn per channel
# take one number a channel from theirs on.
_ROTATE, _SHIFT_X, _SHIFT_Y, _ZOOM, _FLIP_HORIZONTAL, _FLIP_VERTICAL, _TURN = range(7)
_BRIGHTNESS, _CONTRAST, _DROP, _DROPPED_CHANNEL = range(7, 11)
_COLOUR, _INTENSITY = 16, 32
_DRAWS = 48
_MAX_CHANNELS = _INTENSITY - _COLOUR


def augment_batch(
    image: Tensor,
    mask: Tensor,
    config: Mapping[str, Any] | None,
    seed: int,
    epoch: int,
    slice_ids: Tensor,
) -> tuple[Tensor, Tensor]:
    """Augment a batch of slices, image and mask alike.

    `config` holds any of these; amounts are drawn evenly between minus and plus the value:

    ``rotate`` (rad), ``shift`` (fraction of height and of width), ``zoom`` (fraction): one
    affine transformation about the centre; the image bilinear, the mask by nearest neighbour,
    zeros from outside. ``flip`` (list of ``horizontal``, ``vertical``): each in half of the
    cases. ``quarter_turns`` (bool): none to three, square images only. Flips and turns move
    pixels without interpolation.
    ``contrast`` (fraction): one gain for all channels. ``brightness``: one offset for all, in
    the image's own unit. ``colour_jitter`` (fraction): a gain for each channel.
    ``intensity_shift``: an offset for each channel, on pixels that are not zero, for z-scored
    images whose background is 0. ``channel_dropout`` (probability): one channel set to 0.

    Parameters
    ----------
    image : Tensor, (n, channel, height, width), float
    mask : Tensor, (n, class, height, width), float
        0 or 1, and so it stays.
    config : mapping or None
        None or empty changes nothing.
    seed, epoch : int
        Of the training; the epoch from 0.
    slice_ids : Tensor, (n,), int64
        A number that names the slice within the training set. Best on the CPU, where the draws
        are made.

    Returns
    -------
    image, mask : Tensor
        Same shape, dtype and device. The inputs are not changed.

    Raises
    ------
    ValueError
        If `config` has an unknown key or a value out of bounds, or shapes do not fit.
    """
    if not config:
        return image, mask
    check_augmentation(config)
    _check_batch(image, mask, config, slice_ids)
    draw = uniform_draws(seed, epoch, slice_ids, _DRAWS)
    image, mask = _affine(image, mask, config, draw)
    image, mask = _flip_and_turn(image, mask, config, draw)
    return _intensity(image, config, draw), mask


def check_augmentation(config: Mapping[str, Any]) -> None:
    """Raise ValueError where an augmentation block has an unknown key or a bad value."""
    for key, value in config.items():
        if key in _AMOUNTS:
            top = _AMOUNTS[key]
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value <= (math.inf if top is None else top):
                bound = "at least 0" if top is None else f"in [0, {top:.6g}]"
                raise ValueError(f"augment: {key} must be a number {bound}, got {value!r}")
            if key == "zoom" and value == 1:
                raise ValueError("augment: zoom must be below 1, a zoom by 0 has no image")
        elif key == "flip":
            if isinstance(value, str) or not set(value) <= set(_FLIPS):
                raise ValueError(f"augment: flip must be a list of {_FLIPS}, got {value!r}")
        elif key == "quarter_turns":
            if not isinstance(value, bool):
                raise ValueError(f"augment: quarter_turns must be true or false, got {value!r}")
        else:
            raise ValueError(
                f"augment: key {key!r} is unknown; there are {', '.join(AUGMENTATIONS)}"
            )


def _check_batch(image: Tensor, mask: Tensor, config: Mapping[str, Any], slice_ids: Tensor) -> None:
    count, channels, height, width = image.shape
    if mask.shape[0] != count or mask.shape[2:] != image.shape[2:] or len(slice_ids) != count:
        raise ValueError(
            f"image {tuple(image.shape)}, mask {tuple(mask.shape)} and slice_ids "
            f"{tuple(slice_ids.shape)} differ in number or size of slices"
        )
    if config.get("quarter_turns") and height != width:
        raise ValueError(f"augment: quarter_turns needs square images, got {height}x{width}")
    if config.get("channel_dropout") and channels < 2:
        raise ValueError("augment: channel_dropout would empty an image of one channel")
    if channels > _MAX_CHANNELS:
        raise ValueError(f"augment: at most {_MAX_CHANNELS} channels, got {channels}")


def philox(counter: Tensor, key: tuple[int, int]) -> Tensor:
    """Apply Philox4x32-10 to counters.

    Parameters
    ----------
    counter : Tensor, (..., 4), int64
        Words of 32 bits.
    key : tuple of two int
        Words of 32 bits.

    Returns
    -------
    Tensor, (..., 4), int64
        Words of 32 random bits.
    """
    a, b, c, d = counter.unbind(-1)
    key0, key1 = key
    for _ in range(_ROUNDS):
        high0, low0 = _multiply(_MULTIPLIERS[0], a)
        high1, low1 = _multiply(_MULTIPLIERS[1], c)
        a, b, c, d = high1 ^ b ^ key0, low1, high0 ^ d ^ key1, low0
        key0, key1 = (key0 + _WEYL[0]) & _WORD, (key1 + _WEYL[1]) & _WORD
    return torch.stack([a, b, c, d], dim=-1)


def _multiply(factor: int, word: Tensor) -> tuple[Tensor, Tensor]:
    """Return the high and low words of a 32 by 32 bit product, without overflowing int64."""
    top = factor * (word >> 16)
    bottom = factor * (word & 0xFFFF)
    high = (top + (bottom >> 16)) >> 16
    low = (((top & 0xFFFF) << 16) + bottom) & _WORD
    return high, low


def uniform_draws(seed: int, epoch: int, slice_ids: Tensor, count: int) -> Tensor:
    """Draw numbers in [0, 1) for each slice.

    Parameters
    ----------
    seed, epoch : int
        At least 0; the seed below 2 ** 64, the epoch below 2 ** 32.
    slice_ids : Tensor, (n,), int64
    count : int
        Draws a slice. A longer row begins with the shorter one.

    Returns
    -------
    Tensor, (n, count), float32, on the CPU
        Multiples of 2 ** -24.
    """
    if not 0 <= seed < 2**64 or not 0 <= epoch < 2**32:
        raise ValueError(f"seed and epoch must not be negative or huge, got {seed} and {epoch}")
    ids = slice_ids.to(device="cpu", dtype=torch.int64)
    blocks = -(-count // 4)
    counter = torch.empty(len(ids), blocks, 4, dtype=torch.int64)
    counter[..., 0] = torch.arange(blocks)
    counter[..., 1] = (ids & _WORD)[:, None]
    counter[..., 2] = ((ids >> 32) & _WORD)[:, None]
    counter[..., 3] = epoch
    words = philox(counter, (seed & _WORD, seed >> 32))
    # 24 bits are what a float32 in [0, 1) holds exactly
    return ((words >> 8).to(torch.float32) * 2.0**-24).reshape(len(ids), -1)[:, :count]


def _plus_minus(draw: Tensor, amount: float) -> Tensor:
    """Spread draws in [0, 1) over minus to plus the amount."""
    return (2 * draw - 1) * amount


def _affine(
    image: Tensor, mask: Tensor, config: Mapping[str, Any], draw: Tensor
) -> tuple[Tensor, Tensor]:
    rotate, shift, zoom = (config.get(key, 0) for key in ("rotate", "shift", "zoom"))
    if not (rotate or shift or zoom):
        return image, mask
    height, width = image.shape[-2:]
    draw = draw.double()
    angle = _plus_minus(draw[:, _ROTATE], rotate)
    scale = 1 + _plus_minus(draw[:, _ZOOM], zoom)
    # grid_sample's coordinates run from -1 to 1, so a fraction of the width is twice that
    right = 2 * _plus_minus(draw[:, _SHIFT_X], shift)
    down = 2 * _plus_minus(draw[:, _SHIFT_Y], shift)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    coefficients = torch.stack(
        [cos, sin * height / width, -sin * width / height, cos, right, down], dim=1
    )
    xx, xy, yx, yy, right, down = (
        column[:, None, None].to(image.device, torch.float32) for column in coefficients.unbind(1)
    )
    x = torch.arange(1, 2 * width, 2, device=image.device, dtype=torch.float32) / width - 1
    y = torch.arange(1, 2 * height, 2, device=image.device, dtype=torch.float32) / height - 1
    # From each new pixel back to where it came from. Written out and not as affine_grid, whose
    # matrix product may round differently in batches of another size.
    x, y = x[None, None, :] - right, y[None, :, None] - down
    grid = torch.stack([xx * x + xy * y, yx * x + yy * y], dim=-1)

    def sample(tensor: Tensor, mode: str) -> Tensor:
        moved = F.grid_sample(
            tensor.float(), grid, mode=mode, padding_mode="zeros", align_corners=False
        )
        return moved.to(tensor.dtype)

    return sample(image, "bilinear"), sample(mask, "nearest")


def _flip_and_turn(
    image: Tensor, mask: Tensor, config: Mapping[str, Any], draw: Tensor
) -> tuple[Tensor, Tensor]:
    flips = config.get("flip", ())
    moves: list[tuple[Tensor, Callable[[Tensor], Tensor]]] = []  # which slices, what is done
    if "horizontal" in flips:
        moves.append((draw[:, _FLIP_HORIZONTAL] < 0.5, partial(torch.flip, dims=(-1,))))
    if "vertical" in flips:
        moves.append((draw[:, _FLIP_VERTICAL] < 0.5, partial(torch.flip, dims=(-2,))))
    if config.get("quarter_turns"):
        turns = (4 * draw[:, _TURN]).long()
        for k in (1, 2, 3):
            moves.append((turns == k, partial(torch.rot90, k=k, dims=(-2, -1))))
    if not moves:
        return image, mask
    image, mask = image.clone(), mask.clone()
    for chosen, move in moves:
        index = chosen.nonzero().flatten().to(image.device)
        image[index] = move(image[index])
        mask[index] = move(mask[index])
    return image, mask


def _intensity(image: Tensor, config: Mapping[str, Any], draw: Tensor) -> Tensor:
    count, channels = image.shape[:2]

    def on_image(values: Tensor) -> Tensor:
        return values.reshape(count, -1, 1, 1).to(image.device, image.dtype)

    if contrast := config.get("contrast"):
        image = image * on_image(1 + _plus_minus(draw[:, _CONTRAST], contrast))
    if jitter := config.get("colour_jitter"):
        image = image * on_image(1 + _plus_minus(draw[:, _COLOUR : _COLOUR + channels], jitter))
    if brightness := config.get("brightness"):
        image = image + on_image(_plus_minus(draw[:, _BRIGHTNESS], brightness))
    if shift := config.get("intensity_shift"):
        offset = on_image(_plus_minus(draw[:, _INTENSITY : _INTENSITY + channels], shift))
        image = torch.where(image != 0, image + offset, image)
    if probability := config.get("channel_dropout"):
        victim = (draw[:, _DROPPED_CHANNEL, None] * channels).long() == torch.arange(channels)
        dropped = victim & (draw[:, _DROP, None] < probability)
        image = image * on_image((~dropped).float())
    return image
