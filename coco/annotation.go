package coco

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/spinemask/spinemask/rle"
)

// A reader reads annotation objects into columns. Several work on the same file, each on its own part.
type reader struct {
	scanner
	results bool
	fields  Fields
	names   *names
	named   int // ids that were strings
	out     Annotations

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
		skipped                       = bad // where a segmentation stands that was not read
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
			categoryID, p = r.int(p)
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
				p = r.skip(p)
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
	if r.results && has&HasBox == 0 && skipped >= 0 {
		// Without a box it is made of the mask.
		if mask, skipped = r.mask(skipped); skipped < 0 {
			return r.inField("segmentation", start, has, id)
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
	if r.fields&Keypoints != 0 {
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

// annotationID reads an id that may be written as a string of digits, which the reference takes as the number.
func (r *reader) annotationID(p int) (int64, int) {
	if r.at(p) != '"' {
		return r.int(p)
	}
	raw, _, next := r.rawString(p)
	if next < 0 {
		return 0, bad
	}
	inner := scanner{b: raw}
	if v, q := inner.int(0); q == len(raw) {
		return v, next
	}
	return 0, r.wrong(p, p, "an integer")
}

// flag reads 0, 1, false or true; any other number is true, null is false.
func (r *reader) flag(p int) (bool, int) {
	switch r.at(p) {
	case 't':
		return true, r.word(p, "true")
	case 'f':
		return false, r.word(p, "false")
	case 'n':
		return false, r.word(p, "null")
	}
	v, p := r.float(p)
	return v != 0, p
}

// box reads a bbox. An empty one and null are told by the flags.
func (r *reader) box(p int) (box [4]float64, has Has, next int) {
	if r.isNull(p) {
		return box, NullBox, p + len("null")
	}
	if r.at(p) != '[' {
		return box, 0, r.wrong(p, p, "4 numbers")
	}
	if next := r.quickBox(p+1, &box); next >= 0 {
		return box, HasBox, next
	}
	start := p
	p++
	n := 0
	for ; ; n++ {
		var done bool
		if p, done = r.element(p, n == 0, ']'); done || p < 0 {
			break
		}
		var v float64
		if v, p = r.float(p); p < 0 {
			break
		}
		if n < 4 {
			box[n] = v
		}
	}
	switch {
	case p < 0:
		return box, 0, bad
	case n == 0:
		return box, EmptyBox, p
	case n != 4:
		return box, 0, r.fail(start, "%d numbers, want 4", n)
	}
	return box, HasBox, p
}

// quickBox reads four usual numbers with usual separators and the bracket behind them; it gives up, with a negative
// position and no error, at anything else.
func (r *reader) quickBox(p int, box *[4]float64) int {
	for n := range box {
		f, next, ok := quickFloat(r.b, p)
		if !ok {
			return bad
		}
		box[n] = f
		if p = next; n < 3 {
			if p, ok = r.comma(p); !ok {
				return bad
			}
		}
	}
	if r.at(p) != ']' {
		return bad
	}
	return p + 1
}

// numbers reads a list of numbers into a slice of its own.
func (r *reader) numbers(p int) ([]float64, int) {
	if r.at(p) != '[' {
		return nil, r.wrong(p, p, "a list of numbers")
	}
	if cap(r.coords)-len(r.coords) < 256 {
		r.coords = make([]float64, 0, 1<<14)
	}
	start := len(r.coords)
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = r.element(p, first, ']'); done || p < 0 {
			break
		}
		for {
			f, next, ok := quickFloat(r.b, p)
			if !ok {
				break
			}
			after, ok := r.comma(next)
			if !ok {
				break
			}
			r.coords, p = append(r.coords, f), after
		}
		var v float64
		if v, p = r.float(p); p < 0 {
			break
		}
		r.coords = append(r.coords, v)
	}
	return r.coords[start:len(r.coords):len(r.coords)], p
}

// mask reads a segmentation.
func (r *reader) mask(p int) (m Mask, next int) {
	switch r.at(p) {
	case '[':
		return r.polygons(p)
	case '{':
		return r.runs(p)
	case 'n':
		return Mask{Kind: NullMask}, r.word(p, "null")
	}
	return m, r.wrong(p, p, "polygons or run lengths")
}

// polygons reads a list of polygons.
func (r *reader) polygons(p int) (m Mask, next int) {
	p++
	start := len(r.rings)
	for first := true; ; first = false {
		var done bool
		if p, done = r.element(p, first, ']'); done || p < 0 {
			break
		}
		var ring []float64
		if ring, p = r.numbers(p); p < 0 {
			break
		}
		r.rings = append(r.rings, ring)
	}
	if p < 0 || len(r.rings) == start {
		return Mask{Kind: EmptyMask}, p
	}
	m = Mask{Kind: PolygonMask, index: int64(len(r.out.polygons))}
	r.out.polygons = append(r.out.polygons, r.rings[start:len(r.rings):len(r.rings)])
	return m, p
}

// runs reads {"size": [h, w], "counts": "…" or […]} and measures the mask.
func (r *reader) runs(p int) (m Mask, next int) {
	object := p
	countsAt, sizeAt := bad, bad
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = r.element(p, first, '}'); done || p < 0 {
			break
		}
		var name []byte
		if name, p = r.key(p); p < 0 {
			return m, bad
		}
		switch string(name) {
		case "size":
			sizeAt = p
			m.H, m.W, p = r.size(p)
		case "counts":
			countsAt = p
			p = r.skip(p)
		default:
			p = r.skip(p)
		}
	}
	switch {
	case p < 0:
		return m, bad
	case sizeAt < 0:
		return m, r.fail(object, "size: missing")
	case countsAt < 0:
		return m, r.fail(object, "counts: missing")
	}
	if r.at(countsAt) == '[' {
		next = r.listed(&m, countsAt, p)
	} else {
		next = r.counted(&m, countsAt, p)
	}
	return m, next
}

// size reads the two numbers of an RLE's size.
func (r *reader) size(p int) (h, w uint32, next int) {
	start := p
	if r.at(p) != '[' {
		return 0, 0, r.wrong(p, p, "size of 2 numbers")
	}
	var v [2]int64
	p++
	n := 0
	for ; ; n++ {
		var done bool
		if p, done = r.element(p, n == 0, ']'); done || p < 0 {
			break
		}
		var x int64
		if x, p = r.int(p); p < 0 {
			break
		}
		if n < 2 {
			v[n] = x
		}
	}
	if p < 0 {
		return 0, 0, bad
	}
	if n != 2 || v[0] < 0 || v[1] < 0 || v[0] > rle.MaxPixels || v[1] > rle.MaxPixels || v[0]*v[1] > rle.MaxPixels {
		return 0, 0, r.fail(start, "size: %s, want [height, width]", r.b[start:p])
	}
	return uint32(v[0]), uint32(v[1]), p
}

// counted measures the string of run lengths at p; next is where the object ends.
func (r *reader) counted(m *Mask, p, next int) int {
	raw, escaped, end := r.rawString(p)
	if end < 0 {
		return bad
	}
	m.Kind, m.escaped, m.index, m.size = RunMask, escaped, int64(p+1), uint32(len(raw))
	if uint64(len(raw)) > math.MaxUint32 {
		return r.fail(p, "counts: %d bytes", len(raw))
	}
	if escaped {
		var i int
		if r.counts, i = unescape(r.counts[:0], raw); i >= 0 {
			return r.fail(p+1+i, "counts: bad escape")
		}
		raw = r.counts
	}
	s, err := rle.ScanString(int(m.H), int(m.W), raw)
	if err != nil {
		return r.fail(p, "counts: %v", err)
	}
	m.measured(s)
	return next
}

// listed reads the list of run lengths at p; next is where the object ends.
func (r *reader) listed(m *Mask, p, next int) int {
	var runs []uint32
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = r.element(p, first, ']'); done || p < 0 {
			break
		}
		var v int64
		at := p
		if v, p = r.int(p); p < 0 {
			break
		}
		if v < 0 || v > math.MaxUint32 {
			return r.fail(at, "counts: run of %d pixels", v)
		}
		runs = append(runs, uint32(v))
	}
	if p < 0 {
		return bad
	}
	m.Kind, m.index = ListMask, int64(len(r.out.runs))
	r.out.runs = append(r.out.runs, runs)
	m.measured(rle.Mask{H: int(m.H), W: int(m.W), Runs: runs}.Summary())
	return next
}

// names numbers the image ids of a file whose ids are strings. Its zero value is ready for use by several readers.
type names struct {
	sync.Mutex
	index map[string]int64
	list  []string
}

// imageID reads an image id. Every file has either numbers or strings.
func (r *reader) imageID(p int) (int64, int) {
	if r.at(p) != '"' {
		return r.int(p)
	}
	text, next := r.text(p)
	if next < 0 {
		return 0, bad
	}
	r.named++
	return r.names.id(string(text)), next
}

// id returns the number of a name.
func (n *names) id(name string) int64 {
	n.Lock()
	defer n.Unlock()
	if i, ok := n.index[name]; ok {
		return i
	}
	if n.index == nil {
		n.index = make(map[string]int64)
	}
	i := int64(len(n.list))
	n.index[name] = i
	n.list = append(n.list, name)
	return i
}
