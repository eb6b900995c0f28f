package coco

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
