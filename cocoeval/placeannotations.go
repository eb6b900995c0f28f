package cocoeval

import "github.com/spinemask/spinemask/coco"

// placeAnnotations finds the images and categories of annotations that write the ids otherwise than the lists do: as text
// where those have numbers, or the other way round.
func (g *truth) placeAnnotations(d *coco.Dataset, p *Params, w *warnings) error {
	if p.ImageIDs != nil || p.CategoryIDs != nil || d.ImageNames == nil && d.CategoryNames == nil {
		return nil
	}
	g.otherImage, g.otherCategory = map[int64]int32{}, map[int64]int64{}
	for i := range d.Len() {
		if id := d.ImageID[i]; d.ImageNames != nil && g.images.index.of(id) < 0 {
			x := g.imagePlacer().loosely(d.ImageNames[id])
			if x.same != nil {
				return d.Fail(i, "image_id", d.ImageName(id)+" "+g.placeImage.ambiguous(x))
			}
			g.otherImage[id] = x.index
			placing{w, "image", "annotations"}.note(x, func() string { return d.ImageName(id) })
		}
		if id := d.CategoryID[i]; d.CategoryNames != nil && g.rank.of(id) < 0 {
			x := g.categoryPlacer().loosely(d.CategoryNames[id])
			if x.same != nil {
				return d.Fail(i, "category_id", d.CategoryName(id)+" "+g.placeCategory.ambiguous(x))
			}
			if x.index >= 0 {
				g.otherCategory[id] = g.ids[x.index]
			}
			placing{w, "category", "annotations"}.note(x, func() string { return d.CategoryName(id) })
		}
	}
	return nil
}

// imageOf returns the index of the image of annotation i, or -1.
func (g *truth) imageOf(d *coco.Dataset, i int) int32 {
	image := g.images.index.of(d.ImageID[i])
	if image < 0 && g.otherImage != nil {
		if other, ok := g.otherImage[d.ImageID[i]]; ok {
			return other
		}
	}
	return image
}

// categoryID returns the category id of annotation i as the list of categories has it.
func (g *truth) categoryID(d *coco.Dataset, i int) int64 {
	if other, ok := g.otherCategory[d.CategoryID[i]]; ok {
		return other
	}
	return d.CategoryID[i]
}
