package export

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/spinemask/spinemask/internal/core/overlay"
	"github.com/spinemask/spinemask/rle"
)

// MaxPNGInstances is how many instances InstanceMap can tell apart.
const MaxPNGInstances = 1<<16 - 1

// InstanceMap writes a picture as a 16-bit grey PNG: 0 is background, k the k-th instance by falling score. Where masks overlap, the better score wins. It is
// what ImageJ calls a label image. Instances beyond MaxPNGInstances are left out; see [InstanceTIFF].
func InstanceMap(w io.Writer, p *Picture) error {
	m := image.NewGray16(image.Rect(0, 0, p.Width, p.Height))
	for i := min(len(p.Instances), MaxPNGInstances) - 1; i >= 0; i-- {
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
	photo, err := p.pixels()
	if err != nil {
		return err
	}
	m := p.Instances[i].Mask
	x0, y0, width, height := m.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, max(width, 1), max(height, 1)))
	eachSpan(m, func(x, top, bottom int) {
		for y := top; y < bottom; y++ {
			q := out.Pix[out.PixOffset(x-x0, y-y0):]
			copy(q[:3], photo.Pix[3*(y*photo.Width+x):])
			q[3] = 255
		}
	})
	return encoder.Encode(w, out)
}

// Crop writes the part of the photo in the box of an instance's mask, or else in its own, with a tenth of its size around it, as a PNG.
func Crop(w io.Writer, p *Picture, i int) error {
	photo, err := p.pixels()
	if err != nil {
		return err
	}
	r := cropRect(p.Instances[i].extent(p))
	out := image.NewNRGBA(image.Rect(0, 0, max(r.Dx(), 1), max(r.Dy(), 1)))
	for y := range r.Dy() {
		for x := range r.Dx() {
			q := out.Pix[out.PixOffset(x, y):]
			copy(q[:3], photo.Pix[3*((r.Min.Y+y)*photo.Width+r.Min.X+x):])
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

// Photo writes the photo itself as a PNG of 8 bits, for readers that do not find it in its file, as one page of several.
func Photo(w io.Writer, p *Picture) error {
	photo, err := p.pixels()
	if err != nil {
		return err
	}
	return encoder.Encode(w, photo)
}

// Overlay writes the photo with the instances drawn on it as a PNG, for people to look at.
func Overlay(w io.Writer, p *Picture) error {
	photo, err := p.pixels()
	if err != nil {
		return err
	}
	instances := make([]overlay.Instance, len(p.Instances))
	for i, in := range p.Instances {
		instances[i] = overlay.Instance{Mask: in.Mask, Box: in.Box, Label: in.Name, Score: in.Score}
	}
	picture, err := overlay.Draw(photo, instances)
	if err != nil {
		return err
	}
	// The fastest level: files are a sixth larger, and drawing is not the longest part of a run.
	return encoder.Encode(w, picture)
}

// MakeThumbnail makes the small picture of the photo that a report shows.
func (p *Picture) MakeThumbnail() error {
	photo, err := p.pixels()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, overlay.Thumbnail(photo, thumbnailSide), &jpeg.Options{Quality: 80}); err != nil {
		return err
	}
	p.Thumbnail = b.Bytes()
	return nil
}
