package analysisreport

import (
	"fmt"
	"html/template"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/overlay"
	"github.com/spinemask/spinemask/internal/core/page"
	"github.com/spinemask/spinemask/rle"
)

// A Cut is a part of an image with what is in question there.
type Cut struct {
	Name, Caption string
	Picture       template.URL
}

// cutsOfKind is how many suspects, and how many changes of each kind, are cut out.
const cutsOfKind = 8

// cuts cuts the first suspects and changes of each kind out of their images.
func (g *drawing) cuts() error {
	shown := map[string]int{}
	add := func(list *[]Cut, kind string, p *analysis.Place, caption string, in []overlay.Instance) error {
		if shown[kind] >= cutsOfKind {
			return nil
		}
		photo := g.photo(p.Image)
		if photo == nil {
			return nil
		}
		w := windowAround(p.Box, photo.Width, photo.Height)
		for i := range in {
			w.move(&in[i])
		}
		picture, err := page.Draw(w.of(photo), in)
		if err != nil {
			return fmt.Errorf("%s: %w", p.File, err)
		}
		shown[kind]++
		*list = append(*list, Cut{p.File, caption, picture})
		return nil
	}
	flips, _ := g.flips()
	for i := range flips {
		f := &flips[i]
		var in []overlay.Instance
		if f.truth >= 0 {
			in = append(in, g.truth(f.truth))
		}
		in = append(in, g.detection(g.Models[f.model], f.detection))
		if err := add(&g.Pictures.Flips, f.What, &f.Place, f.What+": "+g.model.class(f.Class.Index), in); err != nil {
			return err
		}
	}
	for i := range g.model.Suspects {
		s := &g.model.Suspects[i]
		var in []overlay.Instance
		if s.Index >= 0 {
			in = append(in, g.truth(s.Index))
		}
		if s.Detection >= 0 {
			in = append(in, g.detection(g.model, s.Detection))
		}
		if err := add(&g.Pictures.Suspects, string(s.Kind), &s.Place, suspectMeans[s.Kind]+": "+g.model.class(s.Class.Index), in); err != nil {
			return err
		}
	}
	return nil
}

// window is a part of an image, in whole pixels.
type window struct{ x, y, w, h int }

// windowAround is a box with as much room around it as half of it is large, and 16 pixels at least, in an image of w×h pixels.
func windowAround(b [4]float64, w, h int) window {
	span := func(at, size float64, most int) (from, n int) {
		room := max(size/2, 16)
		low, high := max(at-room, 0), min(at+size+room, float64(most))
		if !(high-low >= 1) { // a box outside of the image
			return 0, most
		}
		return int(low), max(1, int(high)-int(low))
	}
	var v window
	v.x, v.w = span(b[0], b[2], w)
	v.y, v.h = span(b[1], b[3], h)
	return v
}

// of cuts the window out of a photo.
func (v window) of(photo *imageio.Image) *imageio.Image {
	m := imageio.New(v.w, v.h)
	for y := range v.h {
		copy(m.Pix[3*y*v.w:][:3*v.w], photo.Pix[3*((v.y+y)*photo.Width+v.x):])
	}
	return m
}

// move gives an instance of the image its place in the window.
func (v window) move(in *overlay.Instance) {
	in.Box[0] -= float64(v.x)
	in.Box[1] -= float64(v.y)
	if len(in.Mask.Runs) == 0 {
		return
	}
	bits := make([]byte, v.w*v.h)
	at, height := 0, in.Mask.H
	for i, n := range in.Mask.Runs {
		if i&1 == 1 {
			for from, to := at, at+int(n); from < to; {
				x, y := from/height, from%height
				end := min(to, (x+1)*height) // of the column
				if x >= v.x && x < v.x+v.w {
					for k := max(y, v.y); k < min(y+end-from, v.y+v.h); k++ {
						bits[(k-v.y)*v.w+x-v.x] = 1
					}
				}
				from = end
			}
		}
		at += int(n)
	}
	if in.Mask = rle.FromBitmap(v.h, v.w, bits); in.Mask.Area() == 0 {
		in.Mask = rle.Mask{}
	}
}
