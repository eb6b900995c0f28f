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

// cocoReader makes a set of the entries of one of COCO's files, those of a data set or of
// results on it.
type cocoReader struct {
	*Set
	data     *coco.Dataset
	file     string          // of the entries
	array    string          // "annotations" or "results"
	image    map[string]int  // index in Set.Images by id as files write it
	gone     map[string]bool // ids of images that cannot be used: that is said once
	category map[string]int
	boxes    coco.BoxCheck
	raster   rle.Rasterizer
}

// openCOCO reads COCO's data set file. Annotations are of pictures as they are stored,
// where no size says that they are of those turned upright.
func openCOCO(file string, o Options) (*Set, error) {
	d, err := coco.OpenDataset(file, coco.Boxes|coco.Masks)
	if err != nil {
		return nil, err
	}
	if o.Images == "" {
		o.Images = filepath.Dir(file)
	}
	return readCOCO(d, o.Images).Set, nil
}

// readCOCO makes a set of a data set. If there is no folder of images, these are not
// looked for, and have the sizes that the file says.
func readCOCO(d *coco.Dataset, folder string) *cocoReader {
	r := &cocoReader{Set: &Set{Kind: COCO, Path: d.File}, data: d, file: d.File, array: "annotations", image: map[string]int{}, gone: map[string]bool{}, category: map[string]int{}}
	for _, c := range d.Categories {
		id := d.CategoryName(c.ID)
		if _, twice := r.category[id]; twice {
			r.fault("duplicate-categories", d.File, "category %s comes twice", id)
			continue
		}
		r.category[id] = len(r.Categories)
		r.Categories = append(r.Categories, Category{ID: int(c.ID), Name: c.Name})
	}
	if len(r.Categories) == 0 {
		r.fault("no-categories", d.File, "there are no categories, and so nothing to tell apart")
		return r
	}
	r.images(folder)
	for _, im := range d.Images {
		if id := d.ImageName(im.ID); !has(r.image, id) {
			r.gone[id] = true
		}
	}
	r.entries(&d.Annotations)
	return r
}

func has(m map[string]int, key string) bool {
	_, ok := m[key]
	return ok
}

// entries takes all entries of a file, and looks whether their boxes are what they should be.
func (r *cocoReader) entries(a *coco.Annotations) {
	ids := map[string]int{}
	for i := range a.Len() {
		e := a.Entry(i)
		place := fmt.Sprintf("%s[%d]", r.array, i)
		if e.Has&coco.HasID != 0 || e.IDName != nil {
			id := a.IDName(i)
			place += " (id " + id + ")"
			if first, twice := ids[id]; twice {
				r.warn("duplicate-ids", within(r.file, place), "%s[%d] has the same id", r.array, first)
			} else {
				ids[id] = i
			}
		}
		if image := a.ImageName(e.ImageID); !r.gone[image] {
			r.add(&e, image, a.CategoryName(e.CategoryID), place)
		}
	}
	if n := r.boxes.Corners(); n > 0 {
		r.warn("xyxy", r.file, "%d boxes of %s %s", n, r.array, coco.CornersText)
	}
	if n := r.boxes.Fractions(); n > 0 {
		r.warn("normalised", r.file, "%d boxes of %s %s", n, r.array, coco.FractionsText)
	}
}

// images finds the files of the images in a folder, and measures them.
func (r *cocoReader) images(folder string) {
	f := NewFinder(folder)
	var ids []string
	seen, named := map[int64]bool{}, map[string]string{}
	for i, im := range r.data.Images {
		id := r.data.ImageName(im.ID)
		place := within(r.file, fmt.Sprintf("images[%d] (id %s)", i, id))
		if seen[im.ID] {
			r.fault("duplicate-images", place, "another image has the same id")
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
		p := ""
		if folder != "" {
			var err error
			if p, err = f.Find(name); err != nil {
				r.fault("file-missing", place, "%v", err)
				continue
			}
		} else if first, twice := named[im.FileName]; twice && im.FileName != "" { // else Check compares the files
			r.warn("file-twice", place, "%s is the file of another image, too: %s", im.FileName, first)
		}
		named[im.FileName] = place
		r.Images = append(r.Images, Image{Name: name, Path: p, Height: im.Height, Width: im.Width, Place: place})
		ids = append(ids, id)
	}
	byPlace := map[string]string{}
	for i := range r.Images {
		byPlace[r.Images[i].Place] = ids[i]
	}
	if folder != "" {
		r.settle(true)
	}
	for i := range r.Images {
		r.image[byPlace[r.Images[i].Place]] = i
	}
}

// add takes an entry of an image and a category.
func (r *cocoReader) add(e *coco.Entry, image, category, place string) {
	full := within(r.file, place)
	at, ok := r.image[image]
	if !ok {
		r.fault("unknown-image", full, "there is no image with the id %s", image)
		return
	}
	k, ok := r.category[category]
	if !ok {
		r.fault("unknown-category", full, "there is no category with the id %s", category)
		return
	}
	im := &r.Images[at]
	obj := Object{Category: k, Crowd: e.Has&coco.IsCrowd != 0, Place: full}
	if obj.Mask, ok = r.mask(e, im, full); !ok {
		return
	}
	hasBox := e.Has&coco.HasBox != 0
	if hasBox {
		r.boxes.Add(&e.Box, im.Height, im.Width)
		for _, v := range e.Box {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				r.fault("box", full, "the box is %v", e.Box)
				return
			}
		}
		if e.Box[2] < 0 || e.Box[3] < 0 {
			r.fault("box-size", full, "the box has a width of %g and a height of %g; boxes are x, y, width, height", e.Box[2], e.Box[3])
			return
		}
	}
	switch {
	case hasBox && e.Box[2] > 0 && e.Box[3] > 0:
		obj.Box = box.Box{X1: float32(e.Box[0]), Y1: float32(e.Box[1]), X2: float32(e.Box[0] + e.Box[2]), Y2: float32(e.Box[1] + e.Box[3])}
	case obj.HasMask():
		if hasBox {
			r.warn("box-size", full, "the box has a width of %g and a height of %g; the one around the mask is taken", e.Box[2], e.Box[3])
		}
		obj.Box = bounds(obj.Mask)
	case hasBox:
		r.warn("box-size", full, "the box has a width of %g and a height of %g, and there is no mask; it is left out", e.Box[2], e.Box[3])
		return
	case e.Has&coco.HasKeypoints != 0:
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
		if im.Height == 0 || im.Width == 0 {
			return m, true // it cannot be filled
		}
		m = rle.Mask{H: im.Height, W: im.Width, Runs: r.raster.AppendPolygons(nil, e.Polygons, im.Height, im.Width)}
	case len(e.Mask.Runs) > 0:
		m = e.Mask
		if (m.H != im.Height || m.W != im.Width) && im.Height > 0 && im.Width > 0 {
			r.fault("rle-size", place, "the mask has a size of %d×%d pixels (width × height), the image of %d×%d", m.W, m.H, im.Width, im.Height)
			return m, false
		}
		if err := m.Validate(); err != nil {
			r.fault("rle-sum", place, "%v", err)
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
