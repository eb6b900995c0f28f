package labeleval

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/rle"
)

// PanopticCOCO is the panoptic quality of masks of a results file, which are laid over
// each other as in a map, image by image: true objects in the order of the file, crowds
// last; results of at least minScore by falling score, of equal ones in the order of
// the file. Each takes only pixels that are free, and an object left without pixels is
// dropped. Both files must have been read with [coco.Masks]; results of other images
// or categories, and entries without a mask, are left out; that no annotation, or no
// result, has one is an error. Memory does not grow with the pixels of an image.
func PanopticCOCO(d *coco.Dataset, r *coco.Results, minScore float64) (*Panoptic, error) {
	for _, names := range [][]coco.Name{d.ImageNames, d.CategoryNames, r.ImageNames, r.CategoryNames} {
		if names != nil {
			return nil, fmt.Errorf("labeleval: %s, %s: some ids of images or categories are no integers", d.File, r.File)
		}
	}
	var ids []int64
	for _, c := range d.Categories {
		ids = append(ids, c.ID)
	}
	q := NewPanoptic(ids)
	for i, id := range d.CategoryID {
		if q.counts[id] == nil {
			return nil, d.Fail(i, "category_id", fmt.Sprintf("%d is not a category of the data set", id))
		}
	}
	for _, x := range []struct {
		file, what string
		of         *coco.Annotations
	}{{d.File, "annotation", &d.Annotations}, {r.File, "result", &r.Annotations}} {
		if n := x.of.Len(); n > 0 && Maskless(x.of) == n {
			return nil, fmt.Errorf("labeleval: %s: no %s has a mask, of which panoptic quality is made", x.file, x.what)
		}
	}
	trueOf, predictedOf := map[int64][]int{}, map[int64][]int{}
	for i, image := range d.ImageID {
		trueOf[image] = append(trueOf[image], i)
	}
	for i, image := range r.ImageID {
		if q.counts[r.CategoryID[i]] != nil && r.Score[i] >= minScore {
			predictedOf[image] = append(predictedOf[image], i)
		}
	}
	for _, im := range d.Images {
		trues, predicted := trueOf[im.ID], predictedOf[im.ID]
		slices.SortStableFunc(trues, func(a, b int) int { return cmp.Compare(d.Has[a]&coco.IsCrowd, d.Has[b]&coco.IsCrowd) })
		slices.SortStableFunc(predicted, func(a, b int) int { return cmp.Compare(r.Score[b], r.Score[a]) })
		trueMasks, err := layers(&im, &d.Annotations, trues, d.Fail)
		if err != nil {
			return nil, err
		}
		predictedMasks, err := layers(&im, &r.Annotations, predicted, r.Fail)
		if err != nil {
			return nil, err
		}
		o := CountMasks(trueMasks, predictedMasks)
		if err := q.add(o, segments(o.True, &d.Annotations, trues), segments(o.Predicted, &r.Annotations, predicted)); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// Maskless counts the entries without a mask, of which nothing is painted.
func Maskless(a *coco.Annotations) (n int) {
	for i := range a.Mask {
		if a.Mask[i].Kind < coco.PolygonMask {
			n++
		}
	}
	return n
}

// layers gives what is seen of the masks of entries when each lies under those before it.
func layers(im *coco.Image, a *coco.Annotations, entries []int, fail func(i int, field, msg string) error) ([]rle.Mask, error) {
	if err := rle.CheckSize(im.Height, im.Width); err != nil {
		return nil, fmt.Errorf("labeleval: image %s: %w", a.ImageName(im.ID), err)
	}
	masks := make([]rle.Mask, len(entries))
	covered := rle.Mask{H: im.Height, W: im.Width, Runs: []uint32{uint32(im.Height * im.Width)}}
	var raster rle.Rasterizer
	for k, i := range entries {
		m := rle.Mask{H: im.Height, W: im.Width}
		switch a.Mask[i].Kind {
		case coco.PolygonMask:
			m.Runs = raster.AppendPolygons(nil, a.Polygons(i), im.Height, im.Width)
		case coco.RunMask, coco.ListMask:
			m = rle.Mask{H: int(a.Mask[i].H), W: int(a.Mask[i].W), Runs: a.AppendRuns(nil, i)}
			if m.H != im.Height || m.W != im.Width {
				return nil, fail(i, "segmentation", fmt.Sprintf("a mask of %d×%d pixels (height × width), the image has %d×%d", m.H, m.W, im.Height, im.Width))
			}
			if err := m.Validate(); err != nil {
				return nil, fail(i, "segmentation", err.Error())
			}
		default:
			continue // without a mask there are no pixels
		}
		masks[k] = rle.Difference(m, covered)
		covered = rle.Union(covered, m)
	}
	return masks, nil
}

// segments describes objects, whose labels are places in entries from 1 on.
func segments(objects []Object, a *coco.Annotations, entries []int) (list []Segment) {
	for _, o := range objects {
		i := entries[o.Label-1]
		list = append(list, Segment{o.Label, a.CategoryID[i], o.Area, a.Has[i]&coco.IsCrowd != 0})
	}
	return list
}
