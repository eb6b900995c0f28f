package dataset

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/rle"
)

// cocoReader makes a set of COCO's data set file.
type cocoReader struct {
	*Set
	data     *coco.Dataset
	file     string
	image    map[int64]int // index in Set.Images by id
	category map[int64]int
	raster   rle.Rasterizer
}

// openCOCO reads COCO's data set file. Annotations are of pictures as they are stored,
// where no size says that they are of those turned upright.
func openCOCO(file string, o Options) (*Set, error) {
	d, err := coco.OpenDataset(file, coco.Boxes|coco.Masks)
	if err != nil {
		return nil, err
	}
	r := &cocoReader{Set: &Set{Kind: COCO}, data: d, file: file, image: map[int64]int{}, category: map[int64]int{}}
	for _, c := range d.Categories {
		if _, twice := r.category[c.ID]; twice {
			r.fault("category-id", file, "category %s comes twice", d.CategoryName(c.ID))
			continue
		}
		r.category[c.ID] = len(r.Categories)
		r.Categories = append(r.Categories, Category{ID: int(c.ID), Name: c.Name})
	}
	if len(r.Categories) == 0 {
		r.fault("no-categories", file, "there are no categories, and so nothing to tell apart")
		return r.Set, nil
	}
	r.images(o)
	gone := map[int64]bool{} // images that cannot be used: that is said once
	for _, im := range d.Images {
		if _, ok := r.image[im.ID]; !ok {
			gone[im.ID] = true
		}
	}
	ids := map[string]int{}
	for i := range d.Len() {
		e := d.Entry(i)
		place := fmt.Sprintf("annotations[%d]", i)
		if e.Has&coco.HasID != 0 || e.IDName != nil {
			id := d.IDName(i)
			place += " (id " + id + ")"
			if first, twice := ids[id]; twice {
				r.warn("annotation-id", within(file, place), "annotations[%d] has the same id", first)
			} else {
				ids[id] = i
			}
		}
		if !gone[e.ImageID] {
			r.add(&e, place)
		}
	}
	return r.Set, nil
}

// images finds the files of the images, and measures them.
func (r *cocoReader) images(o Options) {
	folder := o.Images
	if folder == "" {
		folder = filepath.Dir(r.file)
	}
	f := &finder{folder: folder}
	var ids []int64
	seen := map[int64]bool{}
	for i, im := range r.data.Images {
		id := r.data.ImageName(im.ID)
		place := within(r.file, fmt.Sprintf("images[%d] (id %s)", i, id))
		if seen[im.ID] {
			r.fault("image-id", place, "another image has the same id")
			continue
		}
		seen[im.ID] = true
		if im.BadSize {
			r.fault("image-size", place, "width and height are no counts of pixels")
			continue
		}
		if rle.CheckSize(im.Height, im.Width) != nil {
			r.fault("image-size", place, "%d×%d pixels (width × height) are too many", im.Width, im.Height)
			continue
		}
		name := im.FileName
		if name == "" {
			if name, _ = strconv.Unquote(id); name == "" {
				name = id
			}
		}
		p, err := f.find(name)
		if err != nil {
			r.fault("file-missing", place, "%v", err)
			continue
		}
		r.Images = append(r.Images, Image{Name: name, Path: p, Height: im.Height, Width: im.Width, Place: place})
		ids = append(ids, im.ID)
	}
	byPlace := map[string]int64{}
	for i := range r.Images {
		byPlace[r.Images[i].Place] = ids[i]
	}
	r.settle(true)
	for i := range r.Images {
		r.image[byPlace[r.Images[i].Place]] = i
	}
}

// add takes an annotation.
func (r *cocoReader) add(e *coco.Entry, place string) {
	full := within(r.file, place)
	at, ok := r.image[e.ImageID]
	if !ok {
		r.fault("image-unknown", full, "there is no image with the id %s", r.data.ImageName(e.ImageID))
		return
	}
	k, ok := r.category[e.CategoryID]
	if !ok {
		r.fault("category-unknown", full, "there is no category with the id %s", r.data.CategoryName(e.CategoryID))
		return
	}
	im := &r.Images[at]
	obj := Object{Category: k, Crowd: e.Has&coco.IsCrowd != 0, Place: full}
	if obj.Mask, ok = r.mask(e, im, full); !ok {
		return
	}
	hasBox := e.Has&coco.HasBox != 0
	if hasBox {
		for _, v := range e.Box {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				r.fault("box-nan", full, "the box is %v", e.Box)
				return
			}
		}
		if e.Box[2] < 0 || e.Box[3] < 0 {
			r.fault("box-inverted", full, "the box has a width of %g and a height of %g; boxes are x, y, width, height", e.Box[2], e.Box[3])
			return
		}
	}
	switch {
	case hasBox && e.Box[2] > 0 && e.Box[3] > 0:
		obj.Box = box.Box{X1: float32(e.Box[0]), Y1: float32(e.Box[1]), X2: float32(e.Box[0] + e.Box[2]), Y2: float32(e.Box[1] + e.Box[3])}
	case obj.HasMask():
		if hasBox {
			r.warn("box-empty", full, "the box has a width of %g and a height of %g; the one around the mask is taken", e.Box[2], e.Box[3])
		}
		obj.Box = bounds(obj.Mask)
	case hasBox:
		r.warn("box-empty", full, "the box has a width of %g and a height of %g, and there is no mask; it is left out", e.Box[2], e.Box[3])
		return
	default:
		r.fault("no-shape", full, "there is neither a box nor a mask")
		return
	}
	im.Objects = append(im.Objects, obj)
}

// mask makes the mask of an annotation, if it has one; ok is false if it is to be left out.
func (r *cocoReader) mask(e *coco.Entry, im *Image, place string) (m rle.Mask, ok bool) {
	switch {
	case len(e.Polygons) > 0:
		for k, xy := range e.Polygons {
			if why := badPolygon(xy); why != "" {
				r.fault("polygon", place, "segmentation[%d] %s", k, why)
				return m, false
			}
		}
		m = rle.Mask{H: im.Height, W: im.Width, Runs: r.raster.AppendPolygons(nil, e.Polygons, im.Height, im.Width)}
	case len(e.Mask.Runs) > 0:
		m = e.Mask
		if m.H != im.Height || m.W != im.Width {
			r.fault("mask-size", place, "the mask has a size of %d×%d pixels (width × height), the image of %d×%d", m.W, m.H, im.Width, im.Height)
			return m, false
		}
		if err := m.Validate(); err != nil {
			r.fault("mask-runs", place, "%v", err)
			return m, false
		}
	default:
		return m, true
	}
	return m, r.filled(m, e.Polygons, im, place)
}

// filled tells whether a mask has a pixel; if not, it notes why.
func (s *Set) filled(m rle.Mask, rings [][]float64, im *Image, place string) bool {
	if m.Area() > 0 {
		return true
	}
	for _, xy := range rings {
		for i := 0; i+1 < len(xy); i += 2 {
			if xy[i] >= 0 && xy[i] <= float64(im.Width) && xy[i+1] >= 0 && xy[i+1] <= float64(im.Height) {
				s.warn("mask-empty", place, "the outline holds no pixel; it is left out")
				return false
			}
		}
	}
	if len(rings) > 0 {
		s.fault("mask-outside", place, "the outline lies outside of the image of %d×%d pixels (width × height)", im.Width, im.Height)
	} else {
		s.warn("mask-empty", place, "the mask has no pixel; it is left out")
	}
	return false
}

// badPolygon says what is wrong with the coordinates x0, y0, x1, y1, …; "" if they can be filled.
func badPolygon(xy []float64) string {
	if len(xy)%2 != 0 {
		return fmt.Sprintf("has %d numbers, want pairs of x and y", len(xy))
	}
	if len(xy) < 6 {
		return fmt.Sprintf("has %d points, want 3 at least", len(xy)/2)
	}
	for _, v := range xy {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprintf("has a coordinate that is %v", v)
		}
	}
	return ""
}
