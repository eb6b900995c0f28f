"""Writes TIFF files with several pages, planes, channels and times, and PNG files with the pictures that are to be found in them.

The pixels are crops of the committed images of testdata/images (see its README for their source and licence). Written with
tifffile 2026.3.3, numpy 2.4.6 and Pillow 13.0.0: python make.py
"""

import pathlib

import numpy as np
import tifffile
from PIL import Image

here = pathlib.Path(__file__).parent
images = here.parents[3] / "testdata" / "images"


def crop(name, y, x, side=128):
    return np.asarray(Image.open(images / f"{name}.png").convert("L"))[y : y + side, x : x + side]


def save(name, pixels):
    Image.fromarray(pixels).save(here / name)


frames = np.stack([crop("12f89395ad5d2149", 0, 0), crop("12f89395ad5d2149", 128, 64), crop("d35f25c8e3f7fca5", 64, 64)])
black = np.zeros_like(frames[0])
for i, frame in enumerate(frames):
    save(f"frame{i + 1}.png", frame)

# An ImageJ time series of three times.
tifffile.imwrite(here / "movie.tif", frames, imagej=True, metadata={"axes": "TYX"}, compression="zlib")

# An OME z-stack: each nucleus is bright in one of three planes. The maximum over z is the first frame.
third = np.indices(black.shape).sum(axis=0) * 3 // 256
planes = np.stack([np.where(third == i, frames[0], frames[0] // 4) for i in range(3)]).astype(np.uint8)
assert (planes.max(axis=0) == frames[0]).all()
tifffile.imwrite(here / "stack.ome.tif", planes, metadata={"axes": "ZYX"}, compression="zlib")

# Two channels with names; the nuclei are the second.
tifffile.imwrite(
    here / "channels.ome.tif",
    np.stack([frames[2], frames[1]]),
    photometric="minisblack",
    metadata={"axes": "CYX", "Channel": {"Name": ["Actin", "DAPI"]}},
    compression="zlib",
)

# Three pages of which nothing says what they are.
with tifffile.TiffWriter(here / "pages.tif") as w:
    for frame in frames:
        w.write(frame, photometric="minisblack", metadata=None, compression="zlib")

# 12 bits in 16, with the background of a camera; the steps between levels are those of the first frame.
deep = 200 + 8 * (frames[0].astype(np.uint16) - frames[0].min())
tifffile.imwrite(here / "deep.tif", deep, compression="zlib", predictor=True)

# A raw picture of a camera, with a colour filter array.
tifffile.imwrite(
    here / "raw.dng",
    np.zeros((8, 8), np.uint16),
    photometric="cfa",
    metadata=None,
    software=False,
    extratags=[(33421, "H", 2, (2, 2), True), (33422, "B", 4, bytes([0, 1, 1, 2]), True)],
)
