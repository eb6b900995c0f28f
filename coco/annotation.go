package coco

import (
	"fmt"
	"math"
	"slices"
)

// A reader reads annotation objects into columns. Several work on the same file, each on its own part.
type reader struct {
	scanner
	results bool
	fields  Fields
	names   *names
	named   int // image ids that were strings
	out     Annotations

	categories      *names
	namedCategories int // category ids that were strings

	layout []member  // of the entry before
	counts []byte    // an unescaped string of run lengths
	coords []float64 // block of coordinates that polygons are cut from
	rings  [][]float64
}

// member is what stands in front of a value in an entry: separator, name and colon. A file repeats the same ones in the
// same order, so comparing with the entry before saves taking them apart.
type member struct {
	text  []byte
	field field
}

// field is a name that entries have.
type field uint8

const (
	otherField field = iota
	imageIDField
	categoryIDField
	boxField
	scoreField
	segmentationField
	idField
	areaField
	crowdField
	ignoreField
	keypointsField
	visibleField
)

var fields = [...]string{"", "image_id", "category_id", "bbox", "score", "segmentation", "id", "area", "iscrowd", "ignore", "keypoints", "num_keypoints"}

// member reads what stands before the value of the i-th member of an entry, at p. done is true behind the entry, where no
// member follows.
func (r *reader) member(p, i int) (f field, value int, done bool) {
	if i < len(r.layout) {
		m := &r.layout[i]
		if end := p + len(m.text); end <= len(r.b) && string(r.b[p:end]) == string(m.text) {
			return m.field, end, false
		}
	}
	start := p
	p, done = r.element(p, i == 0, '}')
	if done || p < 0 {
		return 0, p, true
	}
	name, value := r.key(p)
	if value < 0 {
		return 0, bad, true
	}
	for k := range fields {
		if string(name) == fields[k] {
			f = field(k)
		}
	}
	for len(r.layout) <= i {
		r.layout = append(r.layout, member{})
	}
	r.layout[i] = member{r.b[start:value], f}
	return f, value, false
}

// entry reads the annotation or result object at p and appends it to the columns.
func (r *reader) entry(p int) int {
	start := p
	if r.at(p) != '{' {
		r.wrong(p, p, "an object")
		return r.inField("", p, 0, 0)
	}
	var (
		id, imageID, categoryID, area = int64(0), int64(0), int64(0), 0.0
		score                         float64
		box                           [4]float64
		mask                          Mask
		keypoints                     []float64
		visible                       int64
		has                           Has
		gotImage, gotCategory         bool
		skipped, skippedKeypoints     = bad, bad // where those stand that were not read
	)
	p++
	for i := 0; ; i++ {
		f, value, done := r.member(p, i)
		p = value
		if done {
			break
		}
		switch f {
		case imageIDField:
			imageID, p = r.imageID(p)
			gotImage = true
		case categoryIDField:
			categoryID, p = r.categoryID(p)
			gotCategory = true
		case boxField:
			var found Has
			box, found, p = r.box(p)
			has = has&^(HasBox|EmptyBox|NullBox) | found
		case scoreField:
			if !r.results {
				p = r.skip(p)
			} else if has &^= HasScore; r.isNull(p) {
				p += len("null")
			} else if score, p = r.float(p); p >= 0 {
				has |= HasScore
			}
		case segmentationField:
			if r.fields&Masks != 0 {
				mask, p = r.mask(p)
			} else {
				skipped, p = p, r.skip(p)
			}
		case idField:
			if r.results {
				p = r.skip(p) // the reference numbers results itself
			} else if id, p = r.annotationID(p); p >= 0 {
				has |= HasID
			}
		case areaField:
			if r.results {
				p = r.skip(p)
			} else if has &^= HasArea; r.isNull(p) {
				p += len("null")
			} else if area, p = r.float(p); p >= 0 {
				has |= HasArea
			}
		case crowdField:
			var set bool
			set, p = r.flag(p)
			if has = has&^IsCrowd | HasCrowd; set {
				has |= IsCrowd
			}
		case ignoreField:
			var set bool
			set, p = r.flag(p)
			if has &^= Ignore; set {
				has |= Ignore
			}
		case keypointsField:
			if r.fields&Keypoints == 0 {
				skippedKeypoints, p = p, r.skip(p)
			} else if has &^= HasKeypoints; r.isNull(p) {
				p += len("null")
			} else if keypoints, p = r.numbers(p); p >= 0 {
				has |= HasKeypoints
			}
		case visibleField:
			if r.fields&Keypoints == 0 {
				p = r.skip(p)
			} else if visible, p = r.int(p); p >= 0 {
				has |= HasVisible
			}
		default:
			p = r.skip(p)
		}
		if p < 0 {
			return r.inField(fields[f], value, has, id)
		}
	}
	if p < 0 {
		return r.inField("", start, has, id)
	}
	if r.results && has&HasBox == 0 {
		// Without a box it is made of the mask, or of the keypoints.
		switch {
		case skipped >= 0:
			if mask, skipped = r.mask(skipped); skipped < 0 {
				return r.inField("segmentation", start, has, id)
			}
		case skippedKeypoints >= 0 && mask.Kind == NoMask && r.at(skippedKeypoints) == '[':
			if keypoints, skippedKeypoints = r.numbers(skippedKeypoints); skippedKeypoints < 0 {
				return r.inField("keypoints", start, has, id)
			}
			has |= HasKeypoints
		}
	}
	switch {
	case !gotImage:
		return r.missing("image_id", start, has, id)
	case !gotCategory:
		return r.missing("category_id", start, has, id)
	case r.results && has&HasScore == 0:
		return r.missing("score", start, has, id)
	}

	a := &r.out
	a.ImageID = append(a.ImageID, imageID)
	a.CategoryID = append(a.CategoryID, categoryID)
	a.Box = append(a.Box, box)
	a.Has = append(a.Has, has)
	a.Offset = append(a.Offset, int64(start))
	if r.results {
		a.Score = append(a.Score, score)
	} else {
		a.ID = append(a.ID, id)
		a.Area = append(a.Area, area)
	}
	if r.fields&Masks != 0 || a.Mask != nil || mask.Kind != NoMask {
		// The column may begin late, with the first result that has no box.
		a.Mask = append(slices.Grow(a.Mask, 1), make([]Mask, len(a.ImageID)-1-len(a.Mask))...)
		a.Mask = append(a.Mask, mask)
	}
	if r.fields&Keypoints != 0 || a.Keypoints != nil || keypoints != nil {
		n := len(a.ImageID) - 1
		a.Keypoints = append(slices.Grow(a.Keypoints, 1), make([][]float64, n-len(a.Keypoints))...)
		a.Visible = append(slices.Grow(a.Visible, 1), make([]int32, n-len(a.Visible))...)
		a.Keypoints = append(a.Keypoints, keypoints)
		a.Visible = append(a.Visible, int32(min(visible, math.MaxInt32)))
	}
	return p
}

// inField completes the stored error with the place of the entry.
func (r *reader) inField(field string, at int, has Has, id int64) int {
	if r.err == nil {
		r.fail(at, "cannot be read")
	}
	r.err.Field = field
	r.err.Array, r.err.Index = r.array(), r.out.Len()
	if has&HasID != 0 {
		r.err.ID = fmt.Sprint(id)
	}
	return bad
}

// missing reports that the entry has no value for field.
func (r *reader) missing(field string, at int, has Has, id int64) int {
	r.fail(at, "missing")
	return r.inField(field, at, has, id)
}

// array names the list that the reader reads.
func (r *reader) array() string {
	if r.results {
		return "results"
	}
	return "annotations"
}
