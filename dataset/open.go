package dataset

import (
	"fmt"
	"path/filepath"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/rle"
)

// Options of Open.
type Options struct {
	Images string // folder of the images of data sets that name them; "": beside the file
}

// Open reads a data set.
func Open(path string, o Options) (*Set, error) { return openCOCO(path, o) }

// openCOCO reads COCO's data set file.
func openCOCO(path string, o Options) (*Set, error) {
	d, err := coco.OpenDataset(path, coco.Boxes|coco.Masks)
	if err != nil {
		return nil, err
	}
	s := &Set{}
	category := map[int64]int{}
	for i, c := range d.Categories {
		category[c.ID] = i
		s.Categories = append(s.Categories, Category{ID: int(c.ID), Name: c.Name})
	}
	folder := o.Images
	if folder == "" {
		folder = filepath.Dir(path)
	}
	image := map[int64]int{}
	for i, im := range d.Images {
		image[im.ID] = i
		s.Images = append(s.Images, Image{Name: im.FileName, Path: filepath.Join(folder, filepath.FromSlash(im.FileName)), Height: im.Height, Width: im.Width})
	}
	for i := range d.Len() {
		e := d.Entry(i)
		place := fmt.Sprintf("annotations[%d] (id %d)", i, e.ID)
		at, ok := image[e.ImageID]
		if !ok {
			return nil, fmt.Errorf("dataset: %s: %s: image_id %d is no image", path, place, e.ImageID)
		}
		k, ok := category[e.CategoryID]
		if !ok {
			return nil, fmt.Errorf("dataset: %s: %s: category_id %d is no category", path, place, e.CategoryID)
		}
		im := &s.Images[at]
		obj := Object{Category: k, Crowd: e.Has&coco.IsCrowd != 0, Place: place}
		switch {
		case len(e.Polygons) > 0:
			var parts []rle.Mask
			for _, xy := range e.Polygons {
				parts = append(parts, rle.FromPolygon(xy, im.Height, im.Width))
			}
			obj.Mask = rle.Union(parts...)
		case len(e.Mask.Runs) > 0:
			obj.Mask = e.Mask
		}
		if e.Has&coco.HasBox != 0 {
			obj.Box = box.Box{X1: float32(e.Box[0]), Y1: float32(e.Box[1]), X2: float32(e.Box[0] + e.Box[2]), Y2: float32(e.Box[1] + e.Box[3])}
		} else {
			x, y, w, h := obj.Mask.Bounds()
			obj.Box = box.Box{X1: float32(x), Y1: float32(y), X2: float32(x + w), Y2: float32(y + h)}
		}
		im.Objects = append(im.Objects, obj)
	}
	return s, nil
}
