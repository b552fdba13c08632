"""Augmentation: the generator, draws that belong to a slice, and what is done to the pixels."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gliomake.training.augment import AUGMENTATIONS, augment_batch, philox, uniform_draws

EVERYTHING = {
    "rotate": 0.2,
    "shift": 0.05,
    "zoom": 0.05,
    "flip": ["horizontal", "vertical"],
    "quarter_turns": True,
    "brightness": 0.2,
    "contrast": 0.2,
    "colour_jitter": 0.1,
    "intensity_shift": 0.1,
    "channel_dropout": 0.3,
}


def batch(count=6, channels=3, classes=2, height=16, width=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(count, channels, height, width, generator=generator)
    mask = (torch.rand(count, classes, height, width, generator=generator) < 0.3).float()
    return image, mask, torch.arange(count) * 7 + 3


def words(text):
    return [int(word, 16) for word in text.split()]


# Known answers of the authors' own library (Random123, kat_vectors: philox4x32 10).
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        (
            "00000000 00000000 00000000 00000000",
            "00000000 00000000",
            "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        ),
        (
            "ffffffff ffffffff ffffffff ffffffff",
            "ffffffff ffffffff",
            "408f276d 41c83b0e a20bc7c6 6d5451fd",
        ),
        (
            "243f6a88 85a308d3 13198a2e 03707344",
            "a4093822 299f31d0",
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_known_answers(counter, key, expected):
    result = philox(torch.tensor([words(counter)]), tuple(words(key)))
    assert result.tolist() == [words(expected)]


def reference_philox(counter, key):
    """Philox4x32-10 in Python's unbounded integers, as the paper writes it."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q % 2**32, (p >> 32) ^ d ^ m, p % 2**32
        k, m = (k + 0x9E3779B9) % 2**32, (m + 0xBB67AE85) % 2**32
    return [a, b, c, d]


WORD = st.integers(0, 2**32 - 1)


@given(st.lists(WORD, min_size=4, max_size=4), st.tuples(WORD, WORD))
def test_philox_against_unbounded_integers(counter, key):
    assert philox(torch.tensor(counter), key).tolist() == reference_philox(counter, key)


@given(
    ids=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=8, unique=True),
    seed=st.integers(0, 2**64 - 1),
    epoch=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_a_draw_belongs_to_seed_epoch_and_slice(ids, seed, epoch, data):
    draws = uniform_draws(seed, epoch, torch.tensor(ids), 9)
    assert draws.shape == (len(ids), 9) and draws.min() >= 0 and draws.max() < 1
    order = data.draw(st.permutations(range(len(ids))))
    shuffled = uniform_draws(seed, epoch, torch.tensor(ids)[order], 9)
    assert torch.equal(shuffled, draws[order])
    assert torch.equal(uniform_draws(seed, epoch, torch.tensor(ids[:1]), 5), draws[:1, :5])


def test_draws_differ_between_seeds_epochs_and_slices():
    ids = torch.tensor([0, 1, 2**32, 2**40])
    rows = torch.cat([uniform_draws(s, e, ids, 8) for s, e in [(0, 0), (0, 1), (1, 0), (2**32, 0)]])
    assert len(rows.unique(dim=0)) == 16


def test_draws_are_uniform_and_uncorrelated():
    draws = uniform_draws(11, 3, torch.arange(20_000), 8).double()
    for column in draws.T:
        counts = torch.histc(column, 16, 0, 1)
        chi_square = ((counts - 1250) ** 2 / 1250).sum()
        assert chi_square < 45  # 15 degrees of freedom: 1 in 14 000 a column, and the seed is fixed
    correlation = torch.corrcoef(draws.T) - torch.eye(8)
    assert correlation.abs().max() < 0.03  # four standard errors
    along = torch.corrcoef(torch.stack([draws[:-1, 0], draws[1:, 0]]))[0, 1]
    assert abs(along) < 0.03


@pytest.mark.parametrize(("seed", "epoch"), [(-1, 0), (2**64, 0), (0, -1), (0, 2**32)])
def test_seed_and_epoch_out_of_range(seed, epoch):
    with pytest.raises(ValueError, match="must not be negative or huge"):
        uniform_draws(seed, epoch, torch.tensor([0]), 4)


@pytest.mark.parametrize("config", [None, {}])
def test_nothing_configured_changes_nothing(config):
    image, mask, ids = batch()
    same_image, same_mask = augment_batch(image, mask, config, 0, 0, ids)
    assert torch.equal(same_image, image) and torch.equal(same_mask, mask)


SINGLE = [{key: value} for key, value in EVERYTHING.items()]


@pytest.mark.parametrize("config", [*SINGLE, EVERYTHING], ids=[*EVERYTHING, "everything"])
def test_a_slice_is_augmented_alike_alone_in_a_batch_and_in_any_order(config):
    image, mask, ids = batch()
    before = image.clone(), mask.clone()
    together = augment_batch(image, mask, config, 5, 2, ids)
    assert torch.equal(image, before[0]) and torch.equal(mask, before[1]), "inputs were changed"
    assert not torch.equal(together[0], image), "nothing was done"
    order = torch.tensor([4, 0, 5, 2, 1, 3])
    shuffled = augment_batch(image[order], mask[order], config, 5, 2, ids[order])
    for whole, permuted in zip(together, shuffled, strict=True):
        assert torch.equal(permuted, whole[order])
    for k in range(len(ids)):
        alone = augment_batch(image[[k]], mask[[k]], config, 5, 2, ids[[k]])
        assert torch.equal(alone[0], together[0][[k]])
        assert torch.equal(alone[1], together[1][[k]])


def test_the_configurations_cover_every_key():
    assert set(EVERYTHING) == set(AUGMENTATIONS)


def test_epoch_and_seed_change_the_augmentation():
    image, mask, ids = batch()
    results = [augment_batch(image, mask, EVERYTHING, *k, ids)[0] for k in [(0, 0), (0, 1), (1, 0)]]
    assert not torch.equal(results[0], results[1]) and not torch.equal(results[0], results[2])


def test_one_transformation_more_does_not_change_the_draws_of_another():
    image, mask, ids = batch()
    _, flipped = augment_batch(image, mask, {"flip": ["vertical"]}, 0, 0, ids)
    _, both = augment_batch(image, mask, {"flip": ["vertical"], "brightness": 0.3}, 0, 0, ids)
    assert torch.equal(flipped, both)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 1000),
    keys=st.sets(st.sampled_from(["rotate", "shift", "zoom", "flip", "quarter_turns"]), min_size=1),
)
def test_masks_stay_binary_and_types_stay(seed, keys):
    image, mask, ids = batch(count=3)
    config = {key: EVERYTHING[key] for key in keys}
    new_image, new_mask = augment_batch(image, mask, config, seed, 0, ids)
    assert set(new_mask.unique().tolist()) <= {0.0, 1.0}
    assert new_image.shape == image.shape and new_mask.shape == mask.shape
    assert new_image.dtype == image.dtype and new_mask.dtype == mask.dtype


@pytest.mark.parametrize("config", [{"flip": ["horizontal", "vertical"]}, {"quarter_turns": True}])
def test_flips_and_turns_move_image_and_mask_together_and_exactly(config):
    image, _, ids = batch(count=40, channels=1)
    mask = (image > 0.5).float()
    new_image, new_mask = augment_batch(image, mask, config, 0, 0, ids.new_tensor(range(40)))
    assert torch.equal(new_mask, (new_image > 0.5).float())
    assert torch.equal(new_image.flatten(1).sort().values, image.flatten(1).sort().values), (
        "pixels were interpolated"
    )


def test_flips_and_turns_are_all_drawn():
    image = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(400, 1, 2, 2)
    ids = torch.arange(400)

    def outcomes(config):
        moved, _ = augment_batch(image, image, config, 0, 0, ids)
        return {
            tuple(row): count
            for row, count in zip(
                *[x.tolist() for x in moved.flatten(1).unique(dim=0, return_counts=True)],
                strict=True,
            )
        }

    still, mirrored, upside_down = (1, 2, 3, 4), (2, 1, 4, 3), (3, 4, 1, 2)
    assert set(outcomes({"flip": ["horizontal"]})) == {still, mirrored}
    assert set(outcomes({"flip": ["vertical"]})) == {still, upside_down}
    turns = outcomes({"quarter_turns": True})
    assert set(turns) == {still, (2, 4, 1, 3), (4, 3, 2, 1), (3, 1, 4, 2)}
    assert min(turns.values()) > 60  # of 100 expected


def disc(count=30, size=64):
    """Give discs off the centre, blurred at the rim over a pixel."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    radius = ((x - 38) ** 2 + (y - 28) ** 2).sqrt()
    return (14.5 - radius).clamp(0, 1).expand(count, 1, size, size).contiguous()


def test_the_affine_moves_image_and_mask_alike():
    image = disc()
    mask = (image > 0.5).float()
    config = {"rotate": 0.5, "shift": 0.1, "zoom": 0.2}
    moved, moved_mask = augment_batch(image, mask, config, 1, 0, torch.arange(30))
    agreement = ((moved > 0.5) == (moved_mask > 0.5)).float().mean(dim=(1, 2, 3))
    assert agreement.min() > 0.985  # a rim of 90 pixels in 4096, half of a pixel off
    overlap = (moved_mask * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3))
    assert overlap.min() < 0.9, "nothing moved"


def centre_and_area(mask):
    weight = mask.sum(dim=(1, 2, 3))
    y, x = (torch.arange(n, dtype=torch.float32) for n in mask.shape[-2:])
    return (
        torch.stack(
            [(mask.sum(dim=(1, 2)) * x).sum(1) / weight, (mask.sum(dim=(1, 3)) * y).sum(1) / weight]
        ),
        weight,
    )


@pytest.mark.parametrize("size", [(64, 64), (64, 96)])
def test_the_affine_by_its_geometry(size):
    """Angle, scale and shift, measured on the moved disc, are the drawn ones; not sheared."""
    image = torch.zeros(12, 1, *size)
    image[..., :64, :64] = disc(12)
    ids = torch.arange(12)
    draw = uniform_draws(3, 1, ids, 4) * 2 - 1  # rotate, right, down, zoom
    before, area = centre_and_area(image)
    middle = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2])[:, None]

    def moved(config):
        return centre_and_area(augment_batch(image, image, config, 3, 1, ids)[0])

    where, _ = moved({"shift": 0.1})
    shift = torch.stack([draw[:, 1] * size[1], draw[:, 2] * size[0]]) * 0.1
    torch.testing.assert_close(where, before + shift, atol=0.05, rtol=0)
    where, new_area = moved({"zoom": 0.2})
    scale = 1 + 0.2 * draw[:, 3]
    torch.testing.assert_close(where, middle + (before - middle) * scale, atol=0.05, rtol=0)
    torch.testing.assert_close(new_area, area * scale**2, rtol=0.02, atol=0)
    where, new_area = moved({"rotate": 0.4})
    angle = 0.4 * draw[:, 0]
    x, y = before - middle
    turned = torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()])
    torch.testing.assert_close(where, middle + turned, atol=0.05, rtol=0)
    torch.testing.assert_close(new_area, area, rtol=0.01, atol=0)


def test_what_comes_from_outside_is_zero():
    image = torch.ones(50, 1, 32, 32)
    moved, mask = augment_batch(image, image, {"shift": 0.5}, 0, 0, torch.arange(50))
    assert (moved.flatten(1).min(dim=1).values == 0).sum() > 40
    assert (mask == 0).float().mean() > 0.2


def test_shifts_fill_their_range():
    image = torch.zeros(1000, 1, 40, 40)
    image[..., 18:22, 18:22] = 1
    moved, _ = augment_batch(image, image, {"shift": 0.25}, 0, 0, torch.arange(1000))
    offset = centre_and_area(moved)[0] - 19.5
    assert offset.abs().max() <= 10.01
    assert offset.min() < -9.5 and offset.max() > 9.5
    assert offset.mean().abs() < 0.4 and offset.std() == pytest.approx(20 / math.sqrt(12), rel=0.05)


def gains(config, image):
    ids = torch.arange(len(image))
    moved, mask = augment_batch(image, image[:, :1], config, 0, 0, ids)
    assert torch.equal(mask, image[:, :1]), "the mask was changed"
    return moved / image


def test_contrast_is_one_gain_and_colour_jitter_one_a_channel():
    image = torch.rand(200, 3, 4, 4, generator=torch.Generator().manual_seed(0)) + 0.5
    one = gains({"contrast": 0.2}, image)
    torch.testing.assert_close(one, one[:, :1, :1, :1].expand_as(one))
    assert 0.8 <= one.min() < 0.81 and 1.19 < one.max() <= 1.2
    each = gains({"colour_jitter": 0.2}, image)
    torch.testing.assert_close(each, each[:, :, :1, :1].expand_as(each))
    assert (each[:, 0, 0, 0] - each[:, 1, 0, 0]).abs().median() > 0.02
    assert 0.8 <= each.min() < 0.81 and 1.19 < each.max() <= 1.2


def test_brightness_moves_all_pixels_and_the_intensity_shift_spares_the_background():
    image = torch.ones(200, 2, 4, 4)
    image[:, :, :2] = 0
    mask, ids = torch.zeros(200, 1, 4, 4), torch.arange(200)
    brighter = augment_batch(image, mask, {"brightness": 0.3}, 0, 0, ids)[0] - image
    torch.testing.assert_close(brighter, brighter[:, :1, :1, :1].expand_as(brighter))
    assert -0.3 <= brighter.min() < -0.29 and 0.29 < brighter.max() <= 0.3
    shifted = augment_batch(image, mask, {"intensity_shift": 0.3}, 0, 0, ids)[0] - image
    assert not shifted[:, :, :2].any()
    foreground = shifted[:, :, 2:]
    torch.testing.assert_close(foreground, foreground[:, :, :1, :1].expand_as(foreground))
    assert (foreground[:, 0, 0, 0] - foreground[:, 1, 0, 0]).abs().median() > 0.05


def test_channel_dropout_empties_one_channel_at_its_rate():
    image, mask, ids = torch.ones(2000, 3, 2, 2), torch.zeros(2000, 1, 2, 2), torch.arange(2000)
    dropped = augment_batch(image, mask, {"channel_dropout": 0.3}, 0, 0, ids)[0] == 0
    per_slice = dropped[:, :, 0, 0].sum(dim=1)
    assert set(per_slice.tolist()) == {0, 1}
    assert per_slice.float().mean() == pytest.approx(0.3, abs=0.03)
    assert dropped[:, :, 0, 0].float().mean(dim=0) == pytest.approx([0.1] * 3, abs=0.03)
    certain = augment_batch(image, mask, {"channel_dropout": 1}, 0, 0, ids)[0]
    assert (certain.sum(dim=(1, 2, 3)) == 8).all()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"rotation": 0.1}, "key 'rotation' is unknown; there are rotate, shift"),
        ({"rotate": -0.1}, r"rotate must be a number in \[0, 3.14159\], got -0.1"),
        ({"rotate": 15}, r"rotate must be a number in \[0, 3.14159\], got 15"),
        ({"zoom": 1}, "zoom must be below 1"),
        ({"shift": True}, "shift must be a number .*, got True"),
        ({"brightness": "0.2"}, "brightness must be a number at least 0, got '0.2'"),
        ({"brightness": float("nan")}, "brightness must be a number at least 0, got nan"),
        ({"channel_dropout": 1.5}, r"channel_dropout must be a number in \[0, 1\], got 1.5"),
        ({"flip": "horizontal"}, "flip must be a list of"),
        ({"flip": ["diagonal"]}, "flip must be a list of"),
        ({"quarter_turns": 2}, "quarter_turns must be true or false, got 2"),
    ],
)
def test_bad_configurations(config, message):
    image, mask, ids = batch()
    with pytest.raises(ValueError, match=message):
        augment_batch(image, mask, config, 0, 0, ids)


@pytest.mark.parametrize(
    ("config", "size", "message"),
    [
        ({"quarter_turns": True}, {"width": 24}, "quarter_turns needs square images, got 16x24"),
        ({"channel_dropout": 0.1}, {"channels": 1}, "would empty an image of one channel"),
        ({"contrast": 0.1}, {"channels": 17}, "at most 16 channels, got 17"),
    ],
)
def test_images_that_do_not_fit_the_configuration(config, size, message):
    image, mask, ids = batch(**size)
    with pytest.raises(ValueError, match=message):
        augment_batch(image, mask, config, 0, 0, ids)


def test_batches_that_do_not_fit_together():
    image, mask, ids = batch()
    with pytest.raises(ValueError, match="differ in number or size of slices"):
        augment_batch(image, mask, EVERYTHING, 0, 0, ids[:-1])
    with pytest.raises(ValueError, match="differ in number or size of slices"):
        augment_batch(image, mask[..., :8], EVERYTHING, 0, 0, ids)
