package export

import (
	"image"
	"image/color"
	"image/png"
	"io"

	"github.com/spinemask/spinemask/rle"
)

// InstanceMap writes a picture as a 16-bit grey PNG: 0 is background, k the k-th instance by falling score. Where masks overlap, the better score wins. It is
// what ImageJ calls a label image.
func InstanceMap(w io.Writer, p *Picture) error {
	m := image.NewGray16(image.Rect(0, 0, p.Width, p.Height))
	for i := min(len(p.Instances), 0xffff) - 1; i >= 0; i-- {
		eachSpan(p.Instances[i].Mask, func(x, y0, y1 int) {
			for y := y0; y < y1; y++ {
				m.SetGray16(x, y, color.Gray16{Y: uint16(i + 1)})
			}
		})
	}
	return encoder.Encode(w, m)
}

var encoder = png.Encoder{CompressionLevel: png.BestSpeed}

// CutOut writes an instance as a PNG of the box of its mask, transparent outside of the mask.
func CutOut(w io.Writer, p *Picture, i int) error {
	m := p.Instances[i].Mask
	x0, y0, width, height := m.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, max(width, 1), max(height, 1)))
	eachSpan(m, func(x, top, bottom int) {
		for y := top; y < bottom; y++ {
			q := out.Pix[out.PixOffset(x-x0, y-y0):]
			copy(q[:3], p.Photo.Pix[3*(y*p.Photo.Width+x):])
			q[3] = 255
		}
	})
	return encoder.Encode(w, out)
}

// Crop writes the part of the photo in the box of an instance's mask, with a tenth of its size around it, as a PNG.
func Crop(w io.Writer, p *Picture, i int) error {
	r := cropRect(p.Instances[i].Mask)
	out := image.NewNRGBA(image.Rect(0, 0, max(r.Dx(), 1), max(r.Dy(), 1)))
	for y := range r.Dy() {
		for x := range r.Dx() {
			q := out.Pix[out.PixOffset(x, y):]
			copy(q[:3], p.Photo.Pix[3*((r.Min.Y+y)*p.Photo.Width+r.Min.X+x):])
			q[3] = 255
		}
	}
	return encoder.Encode(w, out)
}

func cropRect(m rle.Mask) image.Rectangle {
	x, y, w, h := m.Bounds()
	margin := (max(w, h) + 9) / 10
	return image.Rect(x, y, x+w, y+h).Inset(-margin).Intersect(image.Rect(0, 0, m.W, m.H))
}
