package coco

import (
	"math"
	"slices"
)

// A reader reads annotation objects into columns. Several work on the same file, each on its own part.
type reader struct {
	scanner
	results bool
	fields  Fields
	ids     *idNames
	out     Annotations

	row    row
	layout []member  // of the entry before
	counts []byte    // an unescaped string of run lengths
	coords []float64 // block of coordinates that polygons are cut from
	rings  [][]float64
}

// idNames are the names among the ids of a file.
type idNames struct{ images, categories, annotations names }

// row is the entry that is being read.
type row struct {
	start                   int // where its object begins
	id, imageID, categoryID int64
	score, area             float64
	box                     [4]float64
	mask                    Mask
	keypoints               []float64
	visible                 int64
	has                     Has

	gotImage, gotCategory         bool
	skippedMask, skippedKeypoints int // where those stand that were not read, or bad
}

// entry reads the annotation or result object at p and appends it to the columns.
func (r *reader) entry(p int) int {
	r.row = row{start: p, skippedMask: bad, skippedKeypoints: bad}
	if r.at(p) != '{' {
		r.wrong(p, p, "an object")
		return r.inField("", p)
	}
	p++
	for i := 0; ; i++ {
		f, value, done := r.member(p, i)
		if done {
			p = value
			break
		}
		if p = r.value(f, value); p < 0 {
			return r.inField(fields[f], value)
		}
	}
	if p < 0 {
		return r.inField("", r.row.start)
	}
	if field := r.complete(); field != "" {
		return r.inField(field, r.row.start)
	}
	r.store()
	return p
}

// value reads the value of field f at p.
func (r *reader) value(f field, p int) int {
	w := &r.row
	switch f {
	case imageIDField:
		var named bool
		w.imageID, named, p = r.id(p, &r.ids.images)
		w.gotImage = true
		w.set(namedImage, named)
	case categoryIDField:
		var named bool
		w.categoryID, named, p = r.id(p, &r.ids.categories)
		w.gotCategory = true
		w.set(namedCategory, named)
	case boxField:
		var found Has
		w.box, found, p = r.box(p)
		w.has = w.has&^(HasBox|EmptyBox|NullBox) | found
	case scoreField:
		if !r.results {
			return r.skip(p)
		}
		p = r.optional(p, &w.score, HasScore)
	case segmentationField:
		if r.fields&Masks == 0 {
			w.skippedMask = p
			return r.skip(p)
		}
		w.mask, p = r.mask(p)
	case idField:
		if r.results {
			return r.skip(p) // the reference numbers results itself
		}
		var named bool
		w.id, named, p = r.annotationID(p, &r.ids.annotations)
		w.has |= HasID
		w.set(namedID, named)
	case areaField:
		if r.results {
			return r.skip(p)
		}
		p = r.optional(p, &w.area, HasArea)
	case crowdField:
		if w.has &^= IsCrowd | HasCrowd; r.isNull(p) {
			return p + len("null")
		}
		var set bool
		set, p = r.flag(p)
		w.has |= HasCrowd
		w.set(IsCrowd, set)
	case ignoreField:
		if w.has &^= Ignore; r.isNull(p) {
			return p + len("null")
		}
		var set bool
		set, p = r.flag(p)
		w.set(Ignore, set)
	case keypointsField:
		if r.fields&Keypoints == 0 {
			w.skippedKeypoints = p
			return r.skip(p)
		}
		if w.has &^= HasKeypoints; r.isNull(p) {
			return p + len("null")
		}
		w.keypoints, p = r.numbers(p)
		w.has |= HasKeypoints
	case visibleField:
		if r.fields&Keypoints == 0 {
			return r.skip(p)
		}
		w.visible, p = r.int(p)
		w.has |= HasVisible
	default:
		return r.skip(p)
	}
	return p
}

// set sets or clears a flag.
func (w *row) set(flag Has, on bool) {
	if w.has &^= flag; on {
		w.has |= flag
	}
}

// optional reads a number; null is as good as no field at all.
func (r *reader) optional(p int, v *float64, flag Has) int {
	if r.row.has &^= flag; r.isNull(p) {
		return p + len("null")
	}
	*v, p = r.float(p)
	r.row.has |= flag
	return p
}

// complete reads what a result without a box is made of (its mask, or its keypoints) and looks whether the entry has what
// all must have. It returns the field of an error.
func (r *reader) complete() (field string) {
	w := &r.row
	if r.results && w.has&HasBox == 0 {
		var next int
		switch {
		case w.skippedMask >= 0:
			if w.mask, next = r.mask(w.skippedMask); next < 0 {
				return fields[segmentationField]
			}
		case w.skippedKeypoints >= 0 && w.mask.Kind == NoMask && r.at(w.skippedKeypoints) == '[':
			if w.keypoints, next = r.numbers(w.skippedKeypoints); next < 0 {
				return fields[keypointsField]
			}
			w.has |= HasKeypoints
		}
	}
	switch {
	case !w.gotImage:
		field = fields[imageIDField]
	case !w.gotCategory:
		field = fields[categoryIDField]
	case r.results && w.has&HasScore == 0:
		field = fields[scoreField]
	default:
		return ""
	}
	r.fail(w.start, missing)
	return field
}

// store appends the entry to the columns.
func (r *reader) store() {
	w, a := &r.row, &r.out
	n := len(a.ImageID)
	a.ImageID = append(a.ImageID, w.imageID)
	a.CategoryID = append(a.CategoryID, w.categoryID)
	a.Box = append(a.Box, w.box)
	a.Has = append(a.Has, w.has)
	a.Offset = append(a.Offset, int64(w.start))
	if r.results {
		a.Score = append(a.Score, w.score)
	} else {
		a.ID = append(a.ID, w.id)
		a.Area = append(a.Area, w.area)
	}
	if r.fields&Masks != 0 || a.Mask != nil || w.mask.Kind != NoMask {
		// The column may begin late, with the first result that has no box.
		a.Mask = append(slices.Grow(a.Mask, 1), make([]Mask, n-len(a.Mask))...)
		a.Mask = append(a.Mask, w.mask)
	}
	if r.fields&Keypoints != 0 || a.Keypoints != nil || w.keypoints != nil {
		a.Keypoints = append(slices.Grow(a.Keypoints, 1), make([][]float64, n-len(a.Keypoints))...)
		a.Visible = append(slices.Grow(a.Visible, 1), make([]int32, n-len(a.Visible))...)
		a.Keypoints = append(a.Keypoints, w.keypoints)
		a.Visible = append(a.Visible, int32(min(w.visible, math.MaxInt32)))
	}
}

// inField completes the stored error with the place of the entry.
func (r *reader) inField(field string, at int) int {
	if r.err == nil {
		r.fail(at, "cannot be read")
	}
	w := &r.row
	r.err.Field = field
	r.err.Array, r.err.Index = r.array(), r.out.Len()
	if w.has&HasID != 0 {
		r.err.ID = r.ids.annotations.text(w.id, w.has&namedID != 0)
	}
	return bad
}

// array names the list that the reader reads.
func (r *reader) array() string {
	if r.results {
		return "results"
	}
	return "annotations"
}
