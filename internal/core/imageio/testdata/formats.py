"""Small pictures of every kind and their pixels as Pillow 13.0.0 gives them.  python formats.py PHOTO OUT"""
import os, sys
import numpy as np
from PIL import Image, ImageDraw

photo, out = sys.argv[1:3]
os.makedirs(out, exist_ok=True)
rgb = Image.open(photo).convert("RGB").crop((130, 10, 130 + 41 * 6, 10 + 27 * 6)).resize((41, 27), Image.LANCZOS)
grey = rgb.convert("L")
alpha = Image.new("L", rgb.size)
ImageDraw.Draw(alpha).ellipse((4, 3, 36, 24), fill=255)
alpha = alpha.resize((10, 7)).resize(rgb.size, Image.BICUBIC)
rgba = rgb.copy(); rgba.putalpha(alpha)
grey16 = Image.fromarray(np.asarray(grey).astype(np.uint16) * 255 + 77)
palette = rgb.quantize(60)

def golden(name):
    im = Image.open(f"{out}/{name}")
    if im.mode in ("I", "I;16"):                             # the high byte, as libpng and OpenCV have it
        im = Image.fromarray((np.asarray(im) >> 8).astype(np.uint8))
    if im.has_transparency_data:
        im = im.convert("RGBA")
        im = Image.alpha_composite(Image.new("RGBA", im.size, "white"), im)
    im.convert("RGB").save(f"{out}/{name}.golden.png", optimize=True)

def save(im, name, **k):
    im.save(f"{out}/{name}", **k)
    golden(name)

save(rgb, "rgb.png")
save(grey, "grey.png")
save(grey.point(lambda v: 255 * (v > 110)).convert("1"), "bilevel.png")
save(grey16, "grey16.png")
save(palette, "palette.png")
p = palette.copy(); save(p, "palette_transparent.png", transparency=bytes(range(0, 240, 4)))
save(rgba, "rgba.png")
save(rgba.convert("LA"), "grey_alpha.png")
save(rgb, "rgb.bmp"); save(palette, "palette.bmp"); save(rgba, "rgba.bmp")
save(rgb, "rgb_lzw.tif", compression="tiff_lzw"); save(rgb, "rgb_deflate.tif", compression="tiff_adobe_deflate")
save(grey16, "grey16.tif"); save(palette, "palette.tif", compression="packbits"); save(rgba, "rgba.tif")
save(rgb, "lossy.webp", quality=80); save(rgb.crop((0, 0, 40, 26)), "lossy_even.webp", quality=90)
save(rgb, "lossless.webp", lossless=True); save(rgba, "lossy_alpha.webp", quality=85); save(rgba, "lossless_alpha.webp", lossless=True, exact=True)
frames = [rgb, rgb.transpose(Image.FLIP_LEFT_RIGHT), rgb.transpose(Image.FLIP_TOP_BOTTOM)]
save(frames[0], "animated.webp", save_all=True, append_images=frames[1:], quality=80)
save(palette, "palette.gif")
save(frames[0], "animated.gif", save_all=True, append_images=frames[1:])
save(frames[0], "animated.png", save_all=True, append_images=frames[1:])
for o in (6, 7):
    e = Image.Exif(); e[0x0112] = o
    for ext in ("png", "webp", "tif"):
        rgb.save(f"{out}/turned_{o}.{ext}", exif=e.tobytes(), **({"lossless": True} if ext == "webp" else {}))
from PIL import ImageOps
for o in (6, 7):
    e = Image.open(f"{out}/turned_{o}.png"); ImageOps.exif_transpose(e).save(f"{out}/turned_{o}.upright.png", optimize=True)

# PBM, PGM and PPM: bytes as Pillow writes them, texts by hand; the goldens are what Pillow reads.
save(grey.point(lambda v: 255 * (v > 110)).convert("1"), "bytes.pbm"); save(grey, "bytes.pgm"); save(rgb, "bytes.ppm"); save(grey16, "bytes16.pgm")
def text(name, magic, values, most):
    with open(f"{out}/{name}", "w") as f:
        f.write(f"{magic}\n# by hand\n41 27{' ' + str(most) if most > 1 else ''}\n" + "".join(" ".join(map(str, row)) + "\n" for row in values))
    golden(name)
text("text.pbm", "P1", (np.asarray(grey) > 110).astype(int), 1)
text("text15.pgm", "P2", np.asarray(grey) // 17, 15); text("text.ppm", "P3", np.asarray(rgb).reshape(27, -1), 255)
