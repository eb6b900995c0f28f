package overlay

import (
	"image"
	"math"
	"slices"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
)

// A style is what follows from the size of the picture.
type style struct {
	face   font.Face
	ascent int // of the face, pixels above the baseline
	height int // of a line of text
	pad    int // around text
	short  int // shorter side of the picture
}

var regular = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic("overlay: built-in font is damaged")
	}
	return f
})

func newStyle(area image.Rectangle) style {
	short := min(area.Dx(), area.Dy())
	size := min(max(float64(short)/60, 11), 48)
	face, err := opentype.NewFace(regular(), &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic("overlay: built-in font has no face")
	}
	m := face.Metrics()
	ascent, descent := m.Ascent.Ceil(), m.Descent.Ceil()
	return style{face: face, ascent: ascent, height: ascent + descent, pad: int(math.Round(size / 4)), short: short}
}

// lineWidth is thin for small pictures, and for crowds of small instances. sizes are areas in pixels of the photo.
func (s style) lineWidth(sizes []uint64, scale int) float64 {
	width := max(1.5, float64(s.short)/400)
	if len(sizes) == 0 {
		return width
	}
	sorted := slices.Sorted(slices.Values(sizes))
	across := math.Sqrt(float64(sorted[len(sorted)/2])) * float64(scale)
	return min(width, max(1.2, across/9))
}

func (s style) width(text string) int { return font.MeasureString(s.face, text).Ceil() }

func (s style) captionHeight() int { return s.height + 2*s.pad }
