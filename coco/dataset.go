package coco

import "math"

// OpenDataset reads the annotation file at path: JSON, or that packed by gzip or zstd. Plain files are mapped into memory
// where the system allows it; one whose masks are run lengths must not be changed while the result is in use.
func OpenDataset(path string, fields Fields) (*Dataset, error) {
	b, release, err := load(path)
	if err != nil {
		return nil, err
	}
	d, err := ParseDataset(b, path, fields)
	if err != nil {
		return nil, err
	}
	d.detach(release)
	return d, nil
}

// ParseDataset reads an annotation file from memory. The result keeps b, which must not be changed. name is for messages.
func ParseDataset(b []byte, name string, fields Fields) (*Dataset, error) {
	d := &Dataset{File: name, NoCategories: true}
	s := datasetReader{scanner: scanner{b: b}, d: d, fields: orAll(fields), ids: new(idNames)}
	s.file()
	if s.err != nil {
		s.err.File = name
		s.err.name(b, false)
		return nil, s.err
	}
	d.data = b
	d.settleIDs(&s.ids.annotations)
	d.ImageNames = s.ids.images.settle(s.eachImageID)
	d.CategoryNames = s.ids.categories.settle(s.eachCategoryID)
	d.settled()
	for i := range d.Categories {
		if d.CategoryNames != nil {
			d.Categories[i].IDName = &d.CategoryNames[d.Categories[i].ID]
		}
	}
	return d, nil
}

// eachImageID calls f with every image id, and whether it is a name's number, and stores the result.
func (a *Annotations) eachImageID(f func(id int64, named bool) int64) {
	for i, id := range a.ImageID {
		a.ImageID[i] = f(id, a.Has[i]&namedImage != 0)
	}
}

// eachCategoryID is eachImageID for categories.
func (a *Annotations) eachCategoryID(f func(id int64, named bool) int64) {
	for i, id := range a.CategoryID {
		a.CategoryID[i] = f(id, a.Has[i]&namedCategory != 0)
	}
}

// eachImageID is that of the annotations, and of the list of images.
func (s *datasetReader) eachImageID(f func(id int64, named bool) int64) {
	for i := range s.d.Images {
		im := &s.d.Images[i]
		im.ID = f(im.ID, s.namedImage[i])
	}
	s.d.eachImageID(f)
}

// eachCategoryID is that of the annotations, of the list of categories and of LVIS' lists in images.
func (s *datasetReader) eachCategoryID(f func(id int64, named bool) int64) {
	for i := range s.d.Categories {
		c := &s.d.Categories[i]
		c.ID = f(c.ID, s.namedCategory[i])
	}
	for i := range s.d.Images {
		im := &s.d.Images[i]
		for _, list := range [][]int64{im.Negative, im.NotExhaustive} {
			for k, id := range list {
				list[k] = f(id, false)
			}
		}
	}
	s.d.eachCategoryID(f)
}

// file reads the whole file.
func (s *datasetReader) file() {
	defer guard(&s.err)()
	p, mark := s.begin()
	s.d.ByteOrderMark = mark
	if s.at(p) != '{' {
		p = s.wrong(p, p, "an object")
	}
	if p = s.members(p, s.member); p >= 0 {
		s.end(p)
	}
	if s.err == nil && !s.sawImages {
		s.fail(0, "images: missing")
	}
}

// orAll is the default of Fields.
func orAll(f Fields) Fields {
	if f == 0 {
		return AllFields
	}
	return f
}

// datasetReader reads the outer object of an annotation file.
type datasetReader struct {
	scanner
	d         *Dataset
	fields    Fields
	ids       *idNames
	sawImages bool

	namedImage, namedCategory []bool // of each image and category: its id is a name's number

	id           int64 // of the image or category that is being read
	named, known bool  // it is a name's number; it was read
}

// begin returns where the value of the file begins and whether a byte order mark stands before it.
func (s *scanner) begin() (p int, mark bool) {
	if len(s.b) >= 3 && string(s.b[:3]) == "\xef\xbb\xbf" {
		return s.space(3), true
	}
	return s.space(0), false
}

// end checks that nothing but white space follows.
func (s *scanner) end(p int) {
	if p = s.space(p); p < len(s.b) {
		s.unexpected(p, "the end of the file")
	}
}

// members calls f for each member of the object at p with its name and the position of its value; f returns the position
// behind it.
func (s *scanner) members(p int, f func(name []byte, p int) int) int {
	if p < 0 {
		return bad
	}
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = s.element(p, first, '}'); done || p < 0 {
			return p
		}
		var name []byte
		if name, p = s.key(p); p >= 0 {
			p = f(name, p)
		}
		if p < 0 {
			return bad
		}
	}
}

// elements calls f with the position of each element of the list at p.
func (s *scanner) elements(p int, f func(p int) int) int {
	if s.at(p) != '[' {
		return s.wrong(p, p, "a list")
	}
	p++
	for first := true; ; first = false {
		var done bool
		if p, done = s.element(p, first, ']'); done || p < 0 {
			return p
		}
		if p = f(p); p < 0 {
			return bad
		}
	}
}

// member reads one member of the file's object.
func (s *datasetReader) member(name []byte, p int) int {
	if array := string(name); s.at(p) != '[' && (array == "images" || array == "categories" || array == "annotations") {
		return s.wrong(p, p, "a list of "+array)
	}
	switch string(name) {
	case "images":
		s.sawImages = true
		s.d.Images, s.namedImage = s.d.Images[:0], s.namedImage[:0]
		return s.list("images", p, &s.ids.images, s.image)
	case "categories":
		s.d.NoCategories = false
		s.d.Categories, s.namedCategory = s.d.Categories[:0], s.namedCategory[:0]
		return s.list("categories", p, &s.ids.categories, s.category)
	case "annotations":
		parts, next, err := readList(guess(s.b, p), func() *reader {
			return &reader{scanner: scanner{b: s.b}, fields: s.fields, ids: s.ids}
		})
		if err != nil {
			s.err = err
			return bad
		}
		s.d.Annotations = join(parts)
		return next
	}
	return s.skip(p)
}

// list reads a list of objects by f and completes its errors.
func (s *datasetReader) list(array string, p int, ids *names, f func(p int) int) int {
	i := 0
	return s.elements(p, func(p int) int {
		if s.at(p) != '{' {
			p = s.wrong(p, p, "an object")
		}
		s.known = false
		next := f(p)
		if s.err != nil && s.err.Array == "" {
			s.err.Array, s.err.Index = array, i
			if s.known {
				s.err.ID = ids.text(s.id, s.named)
			}
		}
		i++
		return next
	})
}

// image reads an entry of "images".
func (s *datasetReader) image(p int) int {
	start := p
	var im Image
	next := s.members(p, func(name []byte, p int) int {
		switch string(name) {
		case "id":
			s.id, s.named, p = s.scanner.id(p, &s.ids.images)
			im.ID, s.known = s.id, p >= 0
		case "height":
			im.Height, p = s.length(p, &im)
		case "width":
			im.Width, p = s.length(p, &im)
		case "file_name":
			im.FileName, p = s.optionalText(p)
		case "neg_category_ids":
			im.Negative, p = s.ints(p)
		case "not_exhaustive_category_ids":
			im.NotExhaustive, p = s.ints(p)
		default:
			p = s.skip(p)
		}
		return s.named1(name, p)
	})
	if next >= 0 && !s.known {
		next = s.fail(start, "id: missing")
	}
	s.d.Images, s.namedImage = append(s.d.Images, im), append(s.namedImage, s.named)
	return next
}

// category reads an entry of "categories".
func (s *datasetReader) category(p int) int {
	start := p
	var c Category
	next := s.members(p, func(name []byte, p int) int {
		switch string(name) {
		case "id":
			s.id, s.named, p = s.scanner.id(p, &s.ids.categories)
			c.ID, s.known = s.id, p >= 0
		case "name":
			c.Name, p = s.optionalText(p)
		case "supercategory":
			c.Supercategory, p = s.optionalText(p)
		case "frequency":
			c.Frequency, p = s.optionalText(p)
		case "keypoints":
			if s.at(p) != '[' {
				p = s.skip(p)
				break
			}
			p = s.elements(p, func(p int) int {
				var name string
				name, p = s.optionalText(p)
				c.Keypoints = append(c.Keypoints, name)
				return p
			})
		default:
			p = s.skip(p)
		}
		return s.named1(name, p)
	})
	if next >= 0 && !s.known {
		next = s.fail(start, "id: missing")
	}
	s.d.Categories, s.namedCategory = append(s.d.Categories, c), append(s.namedCategory, s.named)
	return next
}

// named1 stores the field of an error.
func (s *datasetReader) named1(field []byte, p int) int {
	if p < 0 && s.err.Field == "" {
		s.err.Field = string(field)
	}
	return p
}

// length reads a number of pixels. null counts as unknown; so does what is no number of pixels, and the image is marked: the
// reference never looks at it in an evaluation of boxes. Of a fraction it takes the whole part, where it takes any.
func (s *datasetReader) length(p int, im *Image) (int, int) {
	if s.isNull(p) {
		return 0, p + len("null")
	}
	x, next, ok := scanNumber(s.b, p)
	if ok {
		if v, ok := x.int(); ok && v >= 0 && int64(int(v)) == v {
			return int(v), next
		}
	}
	im.BadSize = true
	if ok {
		if f := x.float(s.b[p:next]); f >= 0 && f < math.MaxInt32 {
			return int(f), next
		}
	}
	return 0, s.skip(p)
}

// optionalText reads a string; any other value counts as an empty one.
func (s *datasetReader) optionalText(p int) (string, int) {
	if s.at(p) != '"' {
		return "", s.skip(p)
	}
	text, p := s.text(p)
	return string(text), p
}

// ints reads a list of integers; an empty one is not nil.
func (s *datasetReader) ints(p int) (list []int64, next int) {
	if s.isNull(p) {
		return nil, p + len("null")
	}
	list = []int64{}
	next = s.elements(p, func(p int) int {
		var v int64
		v, p = s.int(p)
		list = append(list, v)
		return p
	})
	return list, next
}
