package proxy

import (
	"fmt"
	"image"
	"image/draw"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/dataset"
)

// middleAnchor is the side of the square anchor in the middle of level 3's octave, input pixels: 3 strides of 8, times 2^(1/3).
const middleAnchor = 30

// magnify makes the objects large enough. If they are so small in the input that few of them meet an anchor, a network learns nothing in a short training; then
// every picture becomes a square part of itself, all of them magnified alike, such that the median object is as large as the middle anchor of level 3. A part lies
// around an object that the seed chooses. Objects of which less than half is in it are crowds: neither learned nor missed.
func (t *Task) magnify() error {
	var sides []float64 // of objects, input pixels
	for _, set := range []*dataset.Set{t.Train, t.Held} {
		for i := range set.Images {
			im := &set.Images[i]
			if im.Height == 0 || im.Width == 0 {
				return fmt.Errorf("proxy: %s: its size is not known", im.Name)
			}
			for k := range im.Objects {
				o := im.Objects[k].Box
				sides = append(sides, float64(t.Size)/float64(max(im.Height, im.Width))*math.Sqrt(float64(o.X2-o.X1)*float64(o.Y2-o.Y1)))
			}
		}
	}
	if t.Zoom = 1; len(sides) == 0 {
		return nil
	}
	slices.Sort(sides)
	if zoom := middleAnchor / max(sides[len(sides)/2], 1); zoom > 1 {
		t.Zoom, t.parts = zoom, map[string]part{}
		t.Train, t.Held = t.cut(t.Train), t.cut(t.Held)
	}
	return nil
}

// A part of a picture.
type part struct {
	at image.Rectangle
	of image.Point // size of the picture in which the objects were marked
}

// cut makes every picture of a set its part.
func (t *Task) cut(set *dataset.Set) *dataset.Set {
	out := &dataset.Set{Kind: set.Kind, Path: set.Path, Categories: set.Categories}
	for i, im := range set.Images {
		r := rand.New(rand.NewPCG(t.Seed, uint64(i)))
		at := box.Box{X2: float32(im.Width), Y2: float32(im.Height)}
		if len(im.Objects) > 0 {
			at = im.Objects[r.IntN(len(im.Objects))].Box
		}
		side := max(1, int(float64(max(im.Height, im.Width))/t.Zoom))
		width, height := min(side, im.Width), min(side, im.Height)
		x := min(max(int(at.X1+at.X2)/2-width/2, 0), im.Width-width)
		y := min(max(int(at.Y1+at.Y2)/2-height/2, 0), im.Height-height)
		t.parts[im.Path] = part{image.Rect(x, y, x+width, y+height), image.Pt(im.Width, im.Height)}
		whole := im.Objects
		im.Width, im.Height, im.Objects = width, height, nil
		for _, o := range whole {
			b := box.Box{
				X1: max(o.Box.X1-float32(x), 0), Y1: max(o.Box.Y1-float32(y), 0),
				X2: min(o.Box.X2-float32(x), float32(width)), Y2: min(o.Box.Y2-float32(y), float32(height)),
			}
			if b.X1 < b.X2 && b.Y1 < b.Y2 {
				hidden := area(b) < 0.5*area(o.Box)
				im.Objects = append(im.Objects, dataset.Object{Category: o.Category, Box: b, Crowd: o.Crowd || hidden, Place: o.Place})
			}
		}
		out.Images = append(out.Images, im)
	}
	return out
}

func area(b box.Box) float32 { return float32((b.X2 - b.X1) * (b.Y2 - b.Y1)) }

// mostKept bounds the memory for pictures that are kept from candidate to candidate.
const mostKept = 512 << 20

// read reads an image of a set, as a whole or its part; of a small set once for all candidates.
func (t *Task) read(im *dataset.Image) (image.Image, error) {
	t.mu.Lock()
	img := t.kept[im.Path]
	t.mu.Unlock()
	if img != nil {
		return img, nil
	}
	img, err := spinemask.OpenImage(im.Path, &spinemask.ImageOptions{AsStored: im.AsStored})
	if err != nil {
		return nil, err
	}
	if p, ok := t.parts[im.Path]; ok {
		if size := img.Bounds().Size(); size != p.of {
			return nil, fmt.Errorf("the picture has %d×%d pixels (width × height), its objects were marked in %d×%d", size.X, size.Y, p.of.X, p.of.Y)
		}
		small := image.NewRGBA(image.Rect(0, 0, p.at.Dx(), p.at.Dy()))
		draw.Draw(small, small.Rect, img, img.Bounds().Min.Add(p.at.Min), draw.Src)
		img = small
	}
	size := 4 * int64(img.Bounds().Dx()) * int64(img.Bounds().Dy())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = map[string]image.Image{}
	}
	if t.kept[im.Path] == nil && t.used+size <= mostKept {
		t.kept[im.Path] = img
		t.used += size
	}
	return img, nil
}
