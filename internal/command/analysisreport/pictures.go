package analysisreport

import (
	"fmt"
	"html/template"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/overlay"
	"github.com/spinemask/spinemask/internal/core/page"
	"github.com/spinemask/spinemask/rle"
)

// Pictures are what the page shows where the folder of the images was named.
type Pictures struct {
	Worst           []Pair
	Flips, Suspects []Cut
}

// A Pair is an image with what is annotated in it, and with what was found.
type Pair struct {
	Name, Caption string
	Truth, Found  template.URL
}

// drawnImages is how many of the worst images are shown.
const drawnImages = 12

// Draw makes the pictures of the page from the images in a folder. Images that are not there, or have another size than the
// data set says, are left out with a warning.
func (r *Report) Draw(d *coco.Dataset, folder string) error {
	m := r.Models[len(r.Models)-1]
	g := &drawing{Report: r, model: m, data: d, finder: dataset.NewFinder(folder)}
	for _, x := range m.PerImage {
		if len(r.Pictures.Worst) == drawnImages || x.FP+x.FN == 0 {
			break
		}
		photo := g.photo(x.Index)
		if photo == nil {
			continue
		}
		p := Pair{Name: imageName(&x), Caption: fmt.Sprintf("%d annotated, %d right, %d wrong, %d missed", x.TP+x.FN, x.TP, x.FP, x.FN)}
		var err error
		if p.Truth, err = page.Draw(photo, g.annotated(x.Index)); err == nil {
			p.Found, err = page.Draw(photo, g.found(m, x.Index))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		r.Pictures.Worst = append(r.Pictures.Worst, p)
	}
	if err := g.cuts(); err != nil {
		return err
	}
	for _, w := range []*cocoeval.Warning{&g.missing, &g.sized} {
		if w.Count > 0 {
			r.Warnings = append(r.Warnings, *w)
		}
	}
	return nil
}

// drawing makes pictures.
type drawing struct {
	*Report
	model          *Model
	data           *coco.Dataset
	finder         *dataset.Finder
	raster         rle.Rasterizer
	missing, sized cocoeval.Warning

	photos map[int]*imageio.Image // of the last ones that were read; nil: cannot be shown
}

// photo is an image as it is annotated, nil if it cannot be shown. Few are kept.
func (g *drawing) photo(index int) *imageio.Image {
	photo, ok := g.photos[index]
	if !ok {
		if photo = g.read(index); g.photos == nil || len(g.photos) >= 4 {
			g.photos = map[int]*imageio.Image{}
		}
		g.photos[index] = photo
	}
	return photo
}

// read reads an image as it is annotated: stored, or turned upright where only that size is the data set's. It is nil where
// there is none.
func (g *drawing) read(index int) *imageio.Image {
	im := &g.data.Images[g.model.Outcomes.Images[index]]
	name := g.data.ImageName(im.ID)
	if im.FileName != "" {
		name = im.FileName
	}
	note := func(w *cocoeval.Warning, code, text string) *imageio.Image {
		w.Code, w.Text = code, text
		if w.Count++; w.Count <= 10 {
			w.Examples = append(w.Examples, name)
		}
		return nil
	}
	const gone = "images are missing or cannot be read; the page does not show them"
	path, err := g.finder.Find(name)
	if err != nil {
		return note(&g.missing, "missing-images", gone)
	}
	shape, err := imageio.ShapeOf(path, imageio.Options{})
	if err != nil {
		return note(&g.missing, "missing-images", gone)
	}
	w, h := shape.Upright()
	known := im.Width > 0 && im.Height > 0
	asStored := !known || shape.Width == im.Width && shape.Height == im.Height
	if !asStored && (w != im.Width || h != im.Height) {
		return note(&g.sized, "picture-size", "images of another size than the data set says; the page does not show them")
	}
	photo, err := imageio.Open(path, imageio.Options{IgnoreOrientation: asStored})
	if err != nil {
		return note(&g.missing, "missing-images", gone)
	}
	return photo
}

// annotated are the annotations of an image.
func (g *drawing) annotated(index int) (list []overlay.Instance) {
	from, to := g.model.Outcomes.AnnotationsOf(index)
	for i := from; i < to; i++ {
		list = append(list, g.truth(i))
	}
	return list
}

// found are the detections of an image from the score of the tables on.
func (g *drawing) found(m *Model, index int) (list []overlay.Instance) {
	from, to := m.Outcomes.DetectionsOf(index)
	for i := from; i < to; i++ {
		if m.Outcomes.Detections[i].Score >= m.Score {
			list = append(list, g.detection(m, i))
		}
	}
	return list
}

// truth is annotation i of the outcomes.
func (g *drawing) truth(i int) overlay.Instance {
	a := &g.model.Outcomes.Annotations[i]
	in := g.instance(&g.data.Annotations, int(a.Entry), int(a.Image))
	if in.Label = g.model.class(int(a.Category)); a.Crowd {
		in.Label += " (crowd)"
	}
	return in
}

// detection is detection i of a model's outcomes.
func (g *drawing) detection(m *Model, i int) overlay.Instance {
	d := &m.Outcomes.Detections[i]
	in := g.instance(&m.Found.Annotations, int(d.Entry), int(d.Image))
	in.Box, in.Label, in.Score = d.Box, m.class(int(d.Category)), float32(max(0, min(d.Score, 1)))
	return in
}

// instance is the mask of an entry, if it has one of its image's size, and its box.
func (g *drawing) instance(a *coco.Annotations, entry, index int) overlay.Instance {
	im := &g.data.Images[g.model.Outcomes.Images[index]]
	in := overlay.Instance{Box: a.Box[entry]}
	if entry >= len(a.Mask) {
		return in
	}
	switch e := a.Entry(entry); {
	case len(e.Polygons) > 0 && im.Width > 0 && im.Height > 0 && rle.CheckSize(im.Height, im.Width) == nil:
		in.Mask = rle.Mask{H: im.Height, W: im.Width, Runs: g.raster.AppendPolygons(nil, e.Polygons, im.Height, im.Width)}
	case len(e.Mask.Runs) > 0 && e.Mask.H == im.Height && e.Mask.W == im.Width && e.Mask.Validate() == nil:
		in.Mask = e.Mask
	}
	if in.Mask.Area() == 0 {
		in.Mask = rle.Mask{}
	}
	return in
}
