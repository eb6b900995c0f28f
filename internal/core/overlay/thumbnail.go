package overlay

import (
	"image"

	"golang.org/x/image/draw"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// Thumbnail gives a small picture of a photo, whose longer side has at most side pixels, as bright as Draw shows it.
func Thumbnail(photo *imageio.Image, side int) *image.RGBA {
	full := image.NewRGBA(photo.Bounds())
	drawPhoto(full, full.Rect, photo, displayGain(photo))
	longer := max(photo.Width, photo.Height)
	if longer <= side {
		return full
	}
	at := func(v int) int { return max((v*side+longer/2)/longer, 1) }
	small := image.NewRGBA(image.Rect(0, 0, at(photo.Width), at(photo.Height)))
	draw.CatmullRom.Scale(small, small.Rect, full, full.Rect, draw.Src, nil)
	return small
}
