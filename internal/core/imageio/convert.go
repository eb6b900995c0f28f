package imageio

import (
	"image"
	"image/color"
	"slices"
)

// FromImage copies a decoded picture to 8-bit RGB.
//
// An [image.YCbCr] holds the planes that image/jpeg decoded; they are interpolated and converted as libjpeg does it. (The standard library's own conversion
// repeats subsampled chroma, which is up to 37 grey levels away at edges.) 16-bit samples keep their high byte. Transparent pixels are laid over white, but
// for pictures that are transparent everywhere and have colours: they are shown as if they were opaque, because their alpha says nothing.
func FromImage(m image.Image) *Image {
	b := m.Bounds()
	out := New(b.Dx(), b.Dy())
	if len(out.Pix) == 0 {
		return out
	}
	switch m := m.(type) {
	case *Image:
		copy(out.Pix, m.Pix)
	case *image.YCbCr:
		fromYCbCr(out, m)
	case *image.Gray:
		out.eachRow(func(y int, dst []byte) {
			spread(dst, m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):])
		})
	case *image.RGBA:
		out.eachRow(func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
				white := 255 - src[j+3]
				dst[i], dst[i+1], dst[i+2] = src[j]+white, src[j+1]+white, src[j+2]+white
			}
		})
	case *image.NRGBA:
		visible := false
		for y := 0; y < out.Height && !visible; y++ {
			visible = anyAlpha(m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:4*out.Width])
		}
		out.eachRow(func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
				if visible {
					overWhite(dst[i:][:3], src[j:][:3], int(src[j+3]))
				} else {
					copy(dst[i:][:3], src[j:])
				}
			}
		})
	case *image.Paletted:
		var palette [256][3]byte // indexes beyond the palette, in damaged files, are black
		visible := false
		var colors [256]color.NRGBA
		for i, c := range m.Palette {
			colors[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
		for y := 0; y < out.Height && !visible; y++ {
			for _, i := range m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:out.Width] {
				visible = visible || colors[i].A > 0
			}
		}
		for i, n := range colors[:len(m.Palette)] {
			if !visible {
				n.A = 255
			}
			overWhite(palette[i][:], []byte{n.R, n.G, n.B}, int(n.A))
		}
		out.eachRow(func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for i := range out.Width {
				copy(dst[3*i:], palette[src[i]][:])
			}
		})
	case *image.CMYK:
		out.eachRow(func(y int, dst []byte) {
			src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			for i := range out.Width {
				s := src[4*i:][:4]
				cmykToRGB(dst[3*i:], s[0], s[1], s[2], s[3])
			}
		})
	case image.RGBA64Image:
		out.eachRow(func(y int, dst []byte) {
			for x := range out.Width {
				c := m.RGBA64At(b.Min.X+x, b.Min.Y+y)
				white := 0xffff - c.A
				dst[3*x], dst[3*x+1], dst[3*x+2] = byte((c.R+white)>>8), byte((c.G+white)>>8), byte((c.B+white)>>8)
			}
		})
	default:
		out.eachRow(func(y int, dst []byte) {
			for x := range out.Width {
				r, g, bl, a := m.At(b.Min.X+x, b.Min.Y+y).RGBA()
				white := 0xffff - a
				dst[3*x], dst[3*x+1], dst[3*x+2] = byte((r+white)>>8), byte((g+white)>>8), byte((bl+white)>>8)
			}
		})
	}
	return out
}

// anyAlpha tells whether some of the pixels R, G, B, A in pix are not fully transparent.
func anyAlpha(pix []byte) bool {
	for i := 3; i < len(pix); i += 4 {
		if pix[i] > 0 {
			return true
		}
	}
	return false
}

func (m *Image) eachRow(f func(y int, dst []byte)) {
	for y := range m.Height {
		f(y, m.Pix[3*y*m.Width:][:3*m.Width])
	}
}

// overWhite lays the picture over white, unless its alpha, of 8 bits a pixel, is nil or 0 everywhere.
func (m *Image) overWhite(alpha []byte) {
	if !slices.ContainsFunc(alpha, func(a byte) bool { return a > 0 }) {
		return
	}
	for i, a := range alpha {
		overWhite(m.Pix[3*i:][:3], m.Pix[3*i:][:3], int(a))
	}
}

// overWhite lays a colour with straight alpha over white.
func overWhite(dst, src []byte, alpha int) {
	for i, v := range src {
		dst[i] = byte(div255(int(v)*alpha) + 255 - alpha)
	}
}

// spread makes grey pixels from samples.
func spread(dst, grey []byte) {
	for i := range len(dst) / 3 {
		v := grey[i]
		dst[3*i], dst[3*i+1], dst[3*i+2] = v, v, v
	}
}

// fromYCbCr fills out with the picture that the planes of m describe.
func fromYCbCr(out *Image, m *image.YCbCr) {
	rows, dx, dy := rowsOf(m)
	out.eachRow(func(y int, dst []byte) {
		r := rows.at(y + dy)
		yccToRGB(dst, m.Y[y*m.YStride:], r[0][dx:], r[1][dx:])
	})
}

// rowsOf gives the planes Cb and Cr of m, and how far its first pixel lies inside of their first samples: (0, 0), but for sub-images that begin at an odd place.
func rowsOf(m *image.YCbCr) (chroma *rows, dx, dy int) {
	hs, vs := 1, 1
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		hs = 2
	case image.YCbCrSubsampleRatio420:
		hs, vs = 2, 2
	case image.YCbCrSubsampleRatio440:
		vs = 2
	case image.YCbCrSubsampleRatio411:
		hs = 4
	case image.YCbCrSubsampleRatio410:
		hs, vs = 4, 2
	}
	r := m.Rect
	dx, dy = max(r.Min.X%hs, 0), max(r.Min.Y%vs, 0)
	w, h := (r.Max.X-1)/hs-r.Min.X/hs+1, (r.Max.Y-1)/vs-r.Min.Y/vs+1
	return newRows(dx+r.Dx(),
		plane{pix: m.Cb, stride: m.CStride, w: w, h: h, hs: hs, vs: vs},
		plane{pix: m.Cr, stride: m.CStride, w: w, h: h, hs: hs, vs: vs}), dx, dy
}
