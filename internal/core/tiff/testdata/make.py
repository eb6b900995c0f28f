"""Writes table.zip and stacks.zip: small TIFF files of every kind that is read, with the values that the reference tools read from them.

Run in this folder with Python 3.11, tifffile 2026.3.3, imagecodecs 2026.3.6, numpy 2.4.6 and Pillow 13.0.0 (libtiff 4.7.1 inside):

    python make.py

Of each NAME.tif in table.zip, NAME.stored (JPEG and WebP only) has the samples as tifffile reads them, and NAME.shown what Pillow or, through Pillow's copy of the
library, libtiff's TIFFReadRGBAImage shows of it: 8 bits a sample, rows from top to bottom, channels side by side; the hash of all
stored values, as 64-bit floats, is in manifest.json. Of the files in stacks.zip, which have several pages, manifest.json has the
pictures that are chosen without being asked, by hash, cut out of the series that tifffile reads. Files are put together by this script
where tifffile cannot write them.
"""

import ctypes
import glob
import hashlib
import io
import json
import os
import struct
import zipfile

import imagecodecs
import numpy
import PIL
import tifffile
from PIL import Image

TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 12: 8, 13: 4, 16: 8}
CODES = {"none": 1, "lzw": 5, "jpeg": 7, "deflate": 8, "packbits": 32773, "deflate-old": 32946, "zstd": 50000, "webp": 50001}


def picture(height, width, channels, seed=0):
    """Smooth waves with some noise, from 0 to 1: (height, width, channels)."""
    y, x = numpy.mgrid[:height, :width]
    a = numpy.stack([(numpy.sin(x / 5 + i) + numpy.cos(y / 4 - i)) / 4 + 0.5 for i in range(channels)], -1)
    return numpy.clip(a + numpy.random.default_rng(seed).normal(0, 0.03, a.shape), 0, 1)


def scaled(a, kind, bits):
    """Values of a type that use its whole range: kind u, i or f."""
    if kind == "f":
        return ((a - 0.3) * 10).astype({16: "f2", 24: "f4", 32: "f4", 64: "f8"}[bits])
    top = 2.0 ** min(bits, 52) - 1
    size = 8 if bits <= 8 else 16 if bits <= 16 else 32 if bits <= 32 else 64
    if kind == "u":
        return (a * top).astype(f"u{size // 8}")
    return ((a - 0.5) * top).astype(f"i{size // 8}")


def words(a, kind, bits):
    """The bits of each sample as an unsigned number."""
    if kind == "f" and bits == 24:
        w = a.astype("f4").view("u4").astype("u8")
        exponent = ((w >> 23) & 255).astype("i8") - 127 + 63
        return (w >> 31 << 23) | (numpy.clip(exponent, 0, 127).astype("u8") << 16) | ((w >> 7) & 0xFFFF) * (exponent > 0)
    return a.view(f"u{a.dtype.itemsize}").astype("u8") & numpy.uint64(2**bits - 1)


def pack(w, kind, bits, order):
    """Rows of words (rows, n) as bytes: whole bytes in the byte order, others with the highest bit first."""
    if bits in (8, 16, 32, 64):
        return w.astype(f"{order}u{bits // 8}").tobytes()
    if kind == "f" and bits == 24 and order == "<":
        return numpy.stack([w & 255, w >> 8 & 255, w >> 16 & 255], -1).astype("u1").tobytes()
    one = (w[..., None] >> numpy.arange(bits - 1, -1, -1, dtype="u8")) & 1
    return numpy.packbits(one.reshape(len(w), -1).astype("u1"), axis=1).tobytes()


def differences(w, bits, channels):
    """Predictor 2 of rows of words (rows, n)."""
    d = w.copy()
    d[:, channels:] -= w[:, :-channels]
    return d & numpy.uint64(2**bits - 1)


def float_differences(w, bits, channels):
    """Predictor 3 of rows of words (rows, n): bytes."""
    n = bits // 8
    planes = numpy.concatenate([(w >> numpy.uint64(8 * (n - 1 - i))).astype("u1") for i in range(n)], axis=1)
    d = planes.copy()
    d[:, channels:] -= planes[:, :-channels]
    return d.tobytes()


def compress(data, name, array):
    """array is the chunk (rows, width, channels), for compressions that are pictures."""
    match name:
        case "none":
            return data
        case "lzw":
            return imagecodecs.lzw_encode(data)
        case "deflate" | "deflate-old":
            return imagecodecs.zlib_encode(data)
        case "packbits":
            return imagecodecs.packbits_encode(data)
        case "zstd":
            return imagecodecs.zstd_encode(data)
        case "webp":
            return imagecodecs.webp_encode(array, lossless=True)
    raise ValueError(name)


def container(pages, order="<", big=False):
    """A file of pages; each is a dict of tag -> (type, values), with the chunks' bytes under "data"; "sub" are pages of tag 330."""
    size, entry, inline = ("Q", 20, 8) if big else ("I", 12, 4)
    out = bytearray((b"II" if order == "<" else b"MM") + (struct.pack(order + "HHHQ", 43, 8, 0, 0) if big else struct.pack(order + "HI", 42, 0)))

    def put(page, link):
        tags = {t: v for t, v in page.items() if isinstance(t, int)}
        if "sub" in page:
            tags[330] = (13, [0] * len(page["sub"]))
        at = []
        for chunk in page.get("data", []):
            out.extend(b"\0" * (len(out) % 2))
            at.append(len(out))
            out.extend(chunk)
        if at:
            tiles = 322 in tags
            tags.setdefault(324 if tiles else 273, (16 if big else 4, at))
            tags.setdefault(325 if tiles else 279, (4, [len(c) for c in page["data"]]))
        blocks = []
        for tag, (kind, values) in sorted(tags.items()):
            if kind in (2, 7):
                raw, n = bytes(values), len(values)
            else:
                form = {1: "B", 3: "H", 4: "I", 5: "I", 12: "d", 13: "I", 16: "Q"}[kind]
                raw = struct.pack(f"{order}{len(values)}{form}", *values)
                n = len(values) // (2 if kind == 5 else 1)
            blocks.append((tag, kind, n, raw))
        subs = 0
        for i, (tag, kind, n, raw) in enumerate(blocks):
            if len(raw) > inline:
                out.extend(b"\0" * (len(out) % 2))
                blocks[i] = (tag, kind, n, len(out))
                if tag == 330:
                    subs = len(out)
                out.extend(raw)
        out.extend(b"\0" * (len(out) % 2))
        here = len(out)
        struct.pack_into(order + size, out, link, here)
        out.extend(struct.pack(order + ("Q" if big else "H"), len(blocks)))
        for tag, kind, n, raw in blocks:
            out.extend(struct.pack(f"{order}HH{size}", tag, kind, n))
            if tag == 330 and not subs:
                subs = len(out)
            out.extend(struct.pack(order + size, raw) if isinstance(raw, int) else raw.ljust(inline, b"\0"))
        link = len(out)
        out.extend(bytes(inline))
        for i, sub in enumerate(page.get("sub", [])):
            put(sub, subs + 4 * i)
        return link

    link = 8 if big else 4
    for page in pages:
        link = put(page, link)
    return bytes(out)


def page(a, kind="u", bits=8, compression="none", predictor=1, planar=False, tile=None, rows=None, order="<", fill=1, photometric=1, tags=None):
    """A page of samples (height, width, channels)."""
    h, w, c = a.shape
    th, tw = tile or (rows or h, w)
    chunks = []
    for plane in [a[..., i : i + 1] for i in range(c)] if planar else [a]:
        for y in range(0, h, th):
            for x in range(0, w, tw):
                part = plane[y : y + th, x : x + tw]
                if tile:
                    part = numpy.pad(part, ((0, th - part.shape[0]), (0, tw - part.shape[1]), (0, 0)), mode="edge")
                flat = words(numpy.ascontiguousarray(part), kind, bits).reshape(len(part), -1)
                if predictor == 3:
                    data = float_differences(flat, bits, part.shape[2])
                elif predictor == 2:
                    data = pack(differences(flat, bits, part.shape[2]), kind, bits, order)
                else:
                    data = pack(flat, kind, bits, order)
                data = compress(data, compression, numpy.ascontiguousarray(part))
                chunks.append(imagecodecs.bitorder_encode(data) if fill == 2 else data)
    p = {
        256: (4, [w]), 257: (4, [h]), 258: (3, [bits] * c), 259: (3, [CODES[compression]]), 262: (3, [photometric]), 277: (3, [c]),
        284: (3, [2 if planar else 1]), 339: (3, [{"u": 1, "i": 2, "f": 3}[kind]] * c), "data": chunks,
    }  # fmt: skip
    colours = {2: 3, 5: 4, 6: 3, 8: 3}.get(photometric, 1)
    if c > colours:
        p[338] = (3, [0] * (c - colours))
    if predictor != 1:
        p[317] = (3, [predictor])
    if fill != 1:
        p[266] = (3, [fill])
    if tile:
        p[322], p[323] = (4, [tw]), (4, [th])
    else:
        p[278] = (4, [th])
    p.update(tags or {})
    return p


def libtiff():
    """Pillow's copy of the library."""
    Image.open(io.BytesIO(container([page(scaled(picture(2, 2, 1), "u", 1), bits=1, compression="lzw")]))).load()
    lib = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(PIL.__file__), "..", "pillow.libs", "libtiff-*"))[0])
    lib.TIFFOpen.restype = ctypes.c_void_p
    lib.TIFFReadRGBAImageOriented.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    lib.TIFFClose.argtypes = [ctypes.c_void_p]
    lib.TIFFSetWarningHandler(None)
    return lib


def shown_by_libtiff(data):
    """What TIFFReadRGBAImage gives: (height, width, 3), uint8."""
    with tifffile.TiffFile(io.BytesIO(data)) as t:
        h, w = t.pages[0].imagelength, t.pages[0].imagewidth
    with open("scratch.tif", "wb") as f:
        f.write(data)
    lib = libtiff()
    file = lib.TIFFOpen(b"scratch.tif", b"r")
    out = numpy.zeros((h, w, 4), "u1")
    ok = lib.TIFFReadRGBAImageOriented(file, w, h, out.ctypes.data, 1, 0)
    lib.TIFFClose(file)
    os.remove("scratch.tif")
    if not ok:
        raise ValueError("TIFFReadRGBAImage failed")
    return out[..., :3]


def shown_by_pillow(data):
    m = Image.open(io.BytesIO(data))
    return numpy.asarray(m.convert("RGB" if m.mode not in ("1", "L") else "L"))


def saved(m, **options):
    """A file that Pillow writes, through libtiff."""
    out = io.BytesIO()
    m.save(out, "TIFF", **options)
    return out.getvalue()


def table():
    """name -> (file, what shows it: a function or None, largest difference allowed to what is shown)."""
    t = {}

    def add(name, a, show=None, tolerance=0, order="<", big=False, **options):
        t[name] = container([page(a, order=order, **options)], order, big), show, tolerance

    layouts = {
        "strips": dict(rows=7),
        "strip-be": dict(order=">"),
        "tiles": dict(tile=(16, 16)),
        "tiles-planar-be": dict(tile=(16, 16), planar=True, order=">"),
        "planar": dict(planar=True, rows=5),
        "big": dict(big=True, rows=9),
        "big-tiles-be": dict(big=True, tile=(32, 16), order=">"),
        "fill2": dict(fill=2, rows=10),
    }
    predictors = {"none": [1], "packbits": [1], "lzw": [1, 2, 3], "deflate": [1, 2, 3], "deflate-old": [1], "zstd": [1, 2, 3]}
    # Compressions and predictors × layouts, of three types.
    for compression, numbers in predictors.items():
        for predictor in numbers:
            for layout, options in layouts.items():
                for kind, bits, channels in [("u", 8, 3), ("u", 16, 2), ("f", 32, 1)]:
                    if (predictor == 3) != (kind == "f" and predictor > 1) or channels == 1 and "planar" in layout:
                        continue
                    a = scaled(picture(20, 24, channels), kind, bits)
                    photometric = 2 if channels == 3 else 1
                    add(f"{compression}-p{predictor}-{layout}-{kind}{bits}", a, kind=kind, bits=bits, compression=compression, predictor=predictor, photometric=photometric, **options)
    # All types, as they are and compressed with a predictor.
    types = [("u", b) for b in list(range(1, 33)) + [64]] + [("i", b) for b in (8, 16, 32, 64)] + [("f", b) for b in (16, 24, 32, 64)]
    for kind, bits in types:
        for order in "<>":
            if (kind, bits, order) == ("u", 24, ">"):
                continue  # tifffile swaps the bytes of these
            a = scaled(picture(10, 13, 1), kind, bits)
            add(f"type-{kind}{bits}{'le' if order == '<' else 'be'}", a, kind=kind, bits=bits, order=order)
            predictor = 3 if kind == "f" and bits != 24 else 2 if kind != "f" and bits in (8, 16, 32, 64) else 1
            add(f"type-{kind}{bits}{'le' if order == '<' else 'be'}-lzw", a, kind=kind, bits=bits, order=order, compression="lzw", predictor=predictor, tile=(16, 16))
    # Polarity, palette and numbers of samples.
    for bits in (1, 2, 4, 8):
        for photometric in (0, 1):
            add(f"grey{bits}-{photometric}", scaled(picture(20, 24, 1), "u", bits), shown_by_pillow, bits=bits, photometric=photometric)
    add("grey16-0", scaled(picture(20, 24, 1), "u", 16), bits=16, photometric=0)
    for bits in (4, 8):
        colours = numpy.random.default_rng(1).integers(256, 65536, 3 * 2**bits).tolist()
        add(f"palette{bits}", scaled(picture(20, 24, 1), "u", bits), shown_by_pillow, bits=bits, photometric=3, tags={320: (3, colours)})
    colours = numpy.random.default_rng(1).integers(0, 256, 3 * 256).tolist()
    add("palette8-of-8-bits", scaled(picture(20, 24, 1), "u", 8), shown_by_libtiff, photometric=3, tags={320: (3, colours)})
    for channels in (2, 4, 5, 7):
        add(f"grey+{channels - 1}", scaled(picture(20, 24, channels), "u", 8))
        add(f"grey+{channels - 1}-planar", scaled(picture(20, 24, channels), "u", 16), bits=16, planar=True)
    for extra in (0, 1, 2):
        add(f"rgb+{extra}", scaled(picture(20, 24, 4), "u", 8), photometric=2, tags={338: (3, [extra])})
    add("rgb16", scaled(picture(20, 24, 3), "u", 16), bits=16, photometric=2)
    # Other colours.
    add("cmyk", scaled(picture(20, 24, 4), "u", 8), shown_by_pillow, photometric=5)
    add("cmyk-planar", scaled(picture(20, 24, 4), "u", 8), shown_by_pillow, photometric=5, planar=True)
    add("ycbcr", scaled(picture(20, 24, 3), "u", 8), shown_by_libtiff, 1, photometric=6, tags={530: (3, [1, 1])})
    for hs, vs in [(2, 1), (2, 2), (4, 1), (4, 2), (4, 4), (1, 2)]:
        # The picture ends inside of blocks; not of 4 × 4, whose last corner libtiff shows in wrong colours.
        a = scaled(picture(*((20, 24) if vs == 4 else (21, 26)), 3), "u", 8)
        p = page(a, photometric=6, tags={530: (3, [hs, vs])})
        p["data"] = [blocks(a, hs, vs)]
        t[f"ycbcr{hs}{vs}"] = container([p]), shown_by_libtiff, 1
        p["data"], p[259] = [imagecodecs.lzw_encode(blocks(a, hs, vs))], (3, [5])
        t[f"ycbcr{hs}{vs}-lzw"] = container([p]), shown_by_libtiff, 1
    levels = dict(tags={530: (3, [1, 1]), 532: (5, [16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1]), 529: (5, [2126, 10000, 7152, 10000, 722, 10000])})
    add("ycbcr-levels", scaled(picture(20, 24, 3), "u", 8), shown_by_libtiff, 1, photometric=6, **levels)
    add("lab", lab(picture(20, 24, 3), 8), shown_by_lcms, 2, photometric=8)
    add("lab-planar-lzw", lab(picture(20, 24, 3), 8), photometric=8, planar=True, compression="lzw", predictor=2)
    # CCITT: one picture, as libtiff writes it.
    black = picture(33, 77, 1)[..., 0] > 0.55
    black[20:23] = False  # white and black rows
    black[25] = True
    wide = numpy.zeros((5, 6000), bool)
    for y in range(5):
        wide[y, 3 + 700 * y : 5700 - 600 * y] = True
    for name, bilevel in [("", black), ("-wide", wide)]:
        for photometric in (0, 1):
            for compression, options in [("tiff_ccitt", {}), ("group3", {}), ("group3", {292: 1}), ("group3", {292: 4}), ("group3", {292: 5}), ("group4", {})]:
                m = Image.fromarray(bilevel)
                data = saved(m, compression=compression, tiffinfo={262: photometric, **options, 278: 11})
                t[f"{compression}-{options.get(292, 0)}-{photometric}{name}"] = data, shown_by_pillow, 0
    t["zstd-of-libtiff"] = saved(Image.fromarray(scaled(picture(40, 50, 1), "u", 8)[..., 0]), compression="zstd"), shown_by_pillow, 0
    p = page(scaled(picture(60, 50, 1), "u", 8), compression="lzw")
    p["data"] = [old_lzw(scaled(picture(60, 50, 1), "u", 8).tobytes())]
    t["lzw-old"] = container([p]), shown_by_pillow, 0
    fill2 = saved(Image.fromarray(black), compression="group4", tiffinfo={266: 2})
    t["group4-fill2"] = fill2, shown_by_pillow, 0
    # JPEG and WebP, which are pictures of their own.
    rgb = scaled(picture(40, 50, 3), "u", 8)
    for name, options in {
        "rgb": dict(photometric="rgb"),
        "ycbcr": dict(photometric="ycbcr", subsampling=(1, 1)),
        "ycbcr21-tiles": dict(photometric="ycbcr", subsampling=(2, 1), tile=(16, 16)),
        "ycbcr22": dict(photometric="ycbcr", subsampling=(2, 2), rowsperstrip=16),
        "ycbcr22-tiles-be": dict(photometric="ycbcr", subsampling=(2, 2), tile=(32, 32), byteorder=">"),
    }.items():
        out = io.BytesIO()
        tifffile.imwrite(out, rgb, compression="jpeg", metadata=None, **options)
        t[f"jpeg-{name}"] = out.getvalue(), None, 3
    out = io.BytesIO()
    tifffile.imwrite(out, rgb[..., 0], compression="jpeg", metadata=None, rowsperstrip=16)
    t["jpeg-grey"] = out.getvalue(), None, 1
    out = io.BytesIO()
    tifffile.imwrite(out, scaled(picture(40, 50, 4), "u", 8), compression="jpeg", metadata=None, photometric="separated")
    t["jpeg-cmyk"] = out.getvalue(), None, 1
    t["jpeg-tables"] = saved(Image.fromarray(rgb), compression="jpeg", quality=80), None, 3
    for channels in (3, 4):
        a = scaled(picture(40, 50, channels), "u", 8)
        add(f"webp-lossless-{channels}", a, compression="webp", photometric=2, tile=(32, 32), tags={338: (3, [2])} if channels == 4 else None)
    out = io.BytesIO()
    tifffile.imwrite(out, rgb, compression="webp", compressionargs={"level": 70}, metadata=None, rowsperstrip=20)
    t["webp-lossy"] = out.getvalue(), None, 0
    return t


def old_lzw(data):
    """LZW as libtiff wrote it before version 3: lowest bits first, and codes grow one code later than in TIFF 6.0."""
    out, pool, have = bytearray(), 0, 0
    table, width, last = {bytes([i]): i for i in range(256)}, 9, b""

    def put(code):
        nonlocal pool, have
        pool |= code << have
        have += width
        while have >= 8:
            out.append(pool & 255)
            pool, have = pool >> 8, have - 8

    put(256)
    for b in data:
        grown = last + bytes([b])
        if grown in table:
            last = grown
            continue
        put(table[last])
        table[grown] = len(table) + 2  # 256 and 257 are taken
        if len(table) + 1 >= 1 << width:
            width += 1
        last = grown[-1:]
        if len(table) + 2 == 4095:
            put(256)
            table, width = {bytes([i]): i for i in range(256)}, 9
    put(table[last])
    put(257)
    out.append(pool & 255)
    return bytes(out)


def blocks(a, hs, vs):
    """Y of hs × vs pixels, then one Cb and Cr (TIFF 6.0, section 21)."""
    h, w, _ = a.shape
    a = numpy.pad(a, ((0, -h % vs), (0, -w % hs), (0, 0)), mode="edge")
    out = bytearray()
    for y in range(0, len(a), vs):
        for x in range(0, a.shape[1], hs):
            out += a[y : y + vs, x : x + hs, 0].tobytes() + a[y, x, 1:].tobytes()
    return bytes(out)


def lab(a, bits):
    """L* over the whole range, a* and b* signed, from -60 to 60."""
    return numpy.concatenate([a[..., :1] * 255, ((a[..., 1:] - 0.5) * 120).astype("i1").view("u1")], -1).astype("u1")


def shown_by_lcms(data):
    from PIL import ImageCms

    m = Image.open(io.BytesIO(data))
    assert m.mode == "LAB", m.mode
    flags = ImageCms.Flags.NOOPTIMIZE  # else LittleCMS interpolates in a table of 33 steps
    return numpy.asarray(ImageCms.profileToProfile(m, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB", flags=flags))


def stacks():
    """name -> (file, the pictures that are to be chosen: label -> values, taken from what tifffile reads as a series)."""
    t = {}

    def add(name, data, choose, expect_axes=None):
        """choose(a) gives label -> values of the series a, whose axes are those of tifffile."""
        with tifffile.TiffFile(io.BytesIO(data)) as f:
            s = f.series[0]
            assert expect_axes in (None, s.axes), (name, s.axes)
            t[name] = data, choose(s.asarray())

    def write(a, **options):
        out = io.BytesIO()
        tifffile.imwrite(out, a, **options)
        return out.getvalue()

    def stack(*shape, kind="u", bits=16):
        """Planes of 9 × 11 pixels."""
        n = int(numpy.prod(shape))
        return scaled(picture(9, 11, n), kind, bits).transpose(2, 0, 1).reshape(*shape, 9, 11)

    names = {"Channel": {"Name": ["FITC", "DAPI", "TRITC"]}}
    micron = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 500, "PhysicalSizeYUnit": "nm"}
    add("ome-zc", write(stack(4, 3), ome=True, metadata={"axes": "ZCYX", **names, **micron}), lambda a: {"": a[:, 1].max(0)}, "ZCYX")
    add("ome-cz", write(stack(3, 4), ome=True, metadata={"axes": "CZYX", **names}), lambda a: {"": a[1].max(0)}, "CZYX")
    add("ome-tczyx", write(stack(2, 3, 4), ome=True, bigtiff=True, metadata={"axes": "TCZYX", **names}), lambda a: {f"t{i + 1}": a[i, 1].max(0) for i in range(2)}, "TCZYX")
    add("ome-c-unnamed", write(stack(3), ome=True, metadata={"axes": "CYX"}), lambda a: {"": a[0]}, "CYX")
    empty = stack(3)
    empty[0] = 500
    add("ome-c-first-empty", write(empty, ome=True, metadata={"axes": "CYX"}), lambda a: {"": a[1]}, "CYX")
    add("plain-contig-first-empty", write(numpy.moveaxis(empty[[0, 0, 1, 2, 2]], 0, -1), photometric="minisblack", planarconfig="contig", metadata=None, compression="lzw", predictor=True), lambda a: {"": a[..., 2]})
    add("plain-planar-all-empty", write(0 * stack(5), photometric="minisblack", planarconfig="separate", metadata=None, tile=(16, 16)), lambda a: {"": a[0]})
    xml = """<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:one"><Image ID="Image:0">
<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="11" SizeY="9" SizeC="2" SizeZ="1" SizeT="1">
<Channel ID="Channel:0" Name="GFP"/><Channel ID="Channel:1" Name="DAPI"/><TiffData FirstC="0" IFD="0" PlaneCount="1"><UUID FileName="one.ome.tif">urn:uuid:one</UUID></TiffData>
<TiffData FirstC="1" IFD="0" PlaneCount="1"><UUID FileName="two.ome.tif">urn:uuid:two</UUID></TiffData></Pixels></Image></OME>\0"""
    t["ome-of-a-set"] = container([page(stack(1)[0][..., None], bits=16, tags={270: (2, xml.encode())})]), {"": stack(1)[0]}
    rgb = numpy.moveaxis(stack(4, 3, bits=8), 1, -1)
    add("ome-z-rgb", write(rgb, ome=True, photometric="rgb", metadata={"axes": "ZYXS"}), lambda a: {"": a.max(0)}, "ZYXS")
    pyramid = io.BytesIO()
    with tifffile.TiffWriter(pyramid, ome=True) as w:
        a = scaled(picture(64, 48, 2), "u", 8).transpose(2, 0, 1)
        w.write(a, subifds=1, tile=(16, 16), metadata={"axes": "CYX", "Channel": {"Name": ["membrane", "Hoechst 33342"]}})
        w.write(a[:, ::2, ::2], subfiletype=1, tile=(16, 16))
        w.write(scaled(picture(20, 30, 3), "u", 8), photometric="rgb", metadata={"Name": "label image"})
    add("ome-pyramid", pyramid.getvalue(), lambda a: {"": a[1]})
    add("imagej-tzc", write(stack(2, 3, 2), imagej=True, metadata={"axes": "TZCYX", "unit": "um", "Labels": ["membrane", "nuclei"] * 6}, resolution=(4, 2)),
        lambda a: {f"t{i + 1}": a[i, :, 1].max(0) for i in range(2)}, "TZCYX")  # fmt: skip
    add("imagej-z", write(stack(5, kind="f", bits=32), imagej=True, metadata={"axes": "ZYX"}), lambda a: {"": a.max(0)}, "ZYX")
    add("imagej-c", write(stack(5, kind="f", bits=32), imagej=True), lambda a: {"": a[0]}, "CYX")
    add("imagej-t", write(stack(3, bits=8), imagej=True, metadata={"axes": "TYX"}), lambda a: {f"t{i + 1}": a[i] for i in range(3)}, "TYX")
    add("imagej-rgb", write(scaled(picture(9, 11, 3), "u", 8), imagej=True), lambda a: {"": a})
    add("imagej-one-directory", one_directory(stack(6), "ImageJ=1.54p\nimages=6\nchannels=2\nslices=3\nhyperstack=true\nmode=grayscale\n"), lambda a: {"": a[:, 0].max(0)}, "ZCYX")
    add("shaped-axes", write(stack(2, 3), photometric="minisblack", metadata={"axes": "TZYX"}), lambda a: {f"t{i + 1}": a[i].max(0) for i in range(2)}, "TZYX")
    add("shaped-axes-as-rgb", write(stack(2, 3), metadata={"axes": "TZYX"}), lambda a: {f"t{i + 1}": a[i].max(0) for i in range(2)}, "TZYX")
    add("shaped-channels-as-rgb", write(stack(4, bits=8), metadata={"axes": "CYX"}), lambda a: {"": a[0]}, "CYX")
    add("shaped-rgb", write(stack(3, bits=8)), lambda a: {"": numpy.moveaxis(a, 0, -1)})
    add("shaped", write(stack(5), metadata={}), lambda a: {"": a[0]})
    add("shaped-truncated-as-rgb", write(stack(4), truncate=True, metadata={"axes": "ZYX"}), lambda a: {"": a.max(0)}, "ZYX")
    add("shaped-truncated", write(stack(4), photometric="minisblack", truncate=True, metadata={"axes": "ZYX"}), lambda a: {"": a.max(0)}, "ZYX")
    add("plain", write(stack(5), metadata=None), lambda a: {"": a[0]})
    add("plain-contig-5", write(numpy.moveaxis(stack(5, bits=8), 0, -1), metadata=None, photometric="minisblack", planarconfig="contig"), lambda a: {"": a[..., 0]})
    add("lsm", lsm(stack(2, 3, 2)), lambda a: {f"t{i + 1}": a[i, :, 1].max(0) for i in range(2)}, "TZCYX")
    data = stack(2, 2)
    planes = [page(data[z, c][..., None], bits=16, tags={51123: (2, json.dumps({"ChannelIndex": c, "SliceIndex": z, "FrameIndex": 0, "Channel": ["DAPI", "GFP"][c], "PixelSizeUm": 0.325}).encode() + b"\0")}) for c in range(2) for z in range(2)]
    t["micro-manager"] = container(planes), {"": data[:, 0].max(0)}
    for name, uic in [("z", lambda i: [i + 1, 2, 2460000, 1000, 0, 0]), ("t", lambda i: [0, 1, 2460000, 1000 + i, 0, 0])]:
        data = stack(4)
        p = page(data[0][..., None], bits=16, tags={33628: (4, [0, 1, 0, 1]), 33629: (5, sum([uic(i) for i in range(4)], []))})
        p["data"], p[279] = [data.astype("<u2").tobytes()], (4, [data[0].nbytes])
        # The number of values of this tag is that of the planes, of which each has three.
        file = container([p]).replace(struct.pack("<HHI", 33629, 5, 12), struct.pack("<HHI", 33629, 5, 4))
        add(f"metamorph-{name}", file, lambda a: {"": a.max(0)} if name == "z" else {f"t{i + 1}": a[i] for i in range(4)}, name.upper() + "YX")
    data, description = stack(3, bits=8), "<?xml version='1.0'?><PerkinElmer-QPI-ImageDescription><ImageType>%s</ImageType><Name>%s</Name></PerkinElmer-QPI-ImageDescription>\0"
    qpi = [page(a[..., None], tags={270: (2, (description % ("FullResolution", n)).encode()), 305: (2, b"PerkinElmer-QPI\0")}) for a, n in zip(data, ["Opal 520", "Opal 570", "DAPI"])]
    qpi.append(page(scaled(picture(4, 5, 3), "u", 8), photometric=2, tags={270: (2, (description % ("Thumbnail", "")).encode())}))
    add("qptiff", container(qpi), lambda a: {"": a[2]}, "CYX")
    small, large = page(scaled(picture(10, 10, 1), "u", 8), tags={254: (4, [1])}), page(scaled(picture(40, 40, 1, 1), "u", 8))
    add("thumbnail-first", container([small, large]), lambda a: {"": a} if a.shape == (40, 40) else {"": scaled(picture(40, 40, 1, 1), "u", 8)[..., 0]})
    t["thumbnail-with-picture-below"] = container([{**small, "sub": [large]}]), {"": scaled(picture(40, 40, 1, 1), "u", 8)[..., 0]}
    t["two-below"] = container([{**small, "sub": [large, large]}]), {"": scaled(picture(40, 40, 1, 1), "u", 8)[..., 0]}
    mask = page(scaled(picture(40, 40, 1), "u", 1), bits=1, photometric=4, tags={254: (4, [4])})
    t["mask-first"] = container([mask, large]), {"": scaled(picture(40, 40, 1, 1), "u", 8)[..., 0]}
    unmarked = page(scaled(picture(10, 10, 1), "u", 8))
    t["unmarked-thumbnail-first"] = container([unmarked, large]), {"": scaled(picture(40, 40, 1, 1), "u", 8)[..., 0]}
    return t


def one_directory(a, description):
    """Planes (n, height, width) behind each other, of which only the first has a directory, as ImageJ writes stacks of more than 4 GB."""
    p = page(a[0][..., None], bits=16, order=">", tags={270: (2, description.encode() + b"\0")})
    p["data"] = [a.astype(">u2").tobytes()]
    p[279] = (4, [a[0].nbytes])
    return container([p], ">")


def lsm(a):
    """Times × z × channels × height × width as Zeiss' LSM: every other page is a thumbnail, channels are planes of a page."""
    t, z, c, h, w = a.shape
    names = b"".join(struct.pack("<I", len(n)) + n for n in (b"Ch1-FITC\0", b"Ch2-DRAQ5\0"))
    colours = struct.pack("<6i", 24 + 8 + len(names), c, c, 24, 32, 0) + bytes(8) + names
    info = struct.pack("<I9i", 0x00400494C, 500, w, h, z, c, t, 2, 4, 4) + struct.pack("<6d", 1e-7, 2e-7, 1e-6, 0, 0, 0)
    info += struct.pack("<HHIIIII", 6, 0, 0, 0, 0, 0, 16) + struct.pack("<d", 0) + bytes(500 - 120)
    pages = []
    for i in range(t):
        for j in range(z):
            p = page(numpy.moveaxis(a[i, j], 0, -1), bits=16, planar=True, photometric=1)
            if not pages:
                p[34412] = (1, info)
            pages += [p, page(scaled(picture(4, 4, 1), "u", 8), tags={254: (4, [1])})]
    data = bytearray(container(pages))
    struct.pack_into("<I", data, data.find(info[:8]) + 108, len(data))
    # Zeiss stores the two sizes of samples elsewhere, although they have room in the entry.
    bits = struct.pack("<HHIHH", 258, 3, 2, 16, 16)
    data = (data + colours).replace(bits, struct.pack("<HHII", 258, 3, 2, len(data) + len(colours)))
    return bytes(data + struct.pack("<HH", 16, 16))


def values(a):
    """Shape, and values as float64."""
    h, w, *c = a.shape
    return [w, h, c[0] if c else 1], numpy.ascontiguousarray(a).astype("<f8").tobytes()


class Archive:
    """A zip file that is the same whenever it is made."""

    def __init__(self, name):
        self.zip = zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED, compresslevel=9)

    def write(self, name, data):
        self.zip.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)

    def close(self, manifest):
        self.write("manifest.json", json.dumps(manifest, indent=1))
        self.zip.close()
        print(self.zip.filename, len(manifest), "files,", os.path.getsize(self.zip.filename), "bytes")


def write_table():
    archive, manifest = Archive("table.zip"), {}
    for name, (data, show, tolerance) in table().items():
        archive.write(name + ".tif", data)
        entry = manifest[name] = {}
        try:
            with tifffile.TiffFile(io.BytesIO(data)) as t:
                p = t.pages[0]
                a = p.asarray()
                if p.planarconfig == 2 and a.ndim == 3:
                    a = numpy.moveaxis(a, 0, -1)
                a = a.reshape(p.imagelength, p.imagewidth, -1)
                entry["type"] = {1: "uint", 2: "int", 3: "float"}[p.sampleformat] + str(p.bitspersample)
            entry["size"], raw = values(a)
            entry["sha256"] = hashlib.sha256(raw).hexdigest()
            if name.startswith(("jpeg", "webp")):
                archive.write(name + ".stored", a.tobytes())
                entry["tolerance"] = tolerance
        except NotImplementedError:  # of tifffile: chroma of fewer samples
            pass
        if show:
            a = show(data)
            archive.write(name + ".shown", a.tobytes())
            entry["shown"], _ = values(a)
            entry["tolerance"] = tolerance
    archive.close(manifest)


def write_stacks():
    archive, manifest = Archive("stacks.zip"), {}
    for name, (data, pictures) in stacks().items():
        archive.write(name + ".tif", data)
        manifest[name] = []
        for label, a in pictures.items():
            size, raw = values(a)
            manifest[name].append({"label": label, "size": size, "sha256": hashlib.sha256(raw).hexdigest()})
    archive.close(manifest)


if __name__ == "__main__":
    write_table()
    write_stacks()
