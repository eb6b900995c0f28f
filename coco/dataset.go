package coco

import "strconv"

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
	s := datasetReader{scanner: scanner{b: b}, d: d, fields: orAll(fields), names: new(names), categories: new(names)}
	s.file()
	if s.err != nil {
		s.err.File = name
		return nil, s.err
	}
	d.ImageNames, d.data = s.names.list, b
	if number := d.nameCategories(s.categories); number != nil {
		for i := range d.Categories {
			c := &d.Categories[i]
			c.ID = number[c.ID]
			c.Text = d.CategoryNames[c.ID]
		}
	}
	return d, nil
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
	if s.err == nil && 0 < s.named && s.named < s.ids {
		s.fail(0, "image ids are strings and numbers")
	}
	if s.err == nil && 0 < s.namedCategories && s.namedCategories < s.d.Len()+len(s.d.Categories) {
		s.fail(0, "category ids are strings and numbers")
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
	d          *Dataset
	fields     Fields
	names      *names
	named, ids int // image ids that were strings; all
	sawImages  bool

	categories      *names
	namedCategories int // category ids that were strings
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
	switch string(name) {
	case "images":
		s.sawImages = true
		s.d.Images = s.d.Images[:0]
		return s.list("images", p, s.image)
	case "categories":
		s.d.NoCategories = false
		s.d.Categories = s.d.Categories[:0]
		return s.list("categories", p, s.category)
	case "annotations":
		parts, next, err := readList(guess(s.b, p), func() *reader {
			return &reader{scanner: scanner{b: s.b}, fields: s.fields, names: s.names, categories: s.categories}
		})
		if err != nil {
			s.err = err
			return bad
		}
		s.d.Annotations = join(parts)
		for _, r := range parts {
			s.named += r.named
			s.namedCategories += r.namedCategories
			s.ids += r.out.Len()
		}
		return next
	}
	return s.skip(p)
}

// list reads a list of objects by f and completes its errors.
func (s *datasetReader) list(array string, p int, f func(p int) (id int64, known bool, next int)) int {
	i := 0
	return s.elements(p, func(p int) int {
		if s.at(p) != '{' {
			p = s.wrong(p, p, "an object")
		}
		id, known, next := f(p)
		if s.err != nil && s.err.Array == "" {
			s.err.Array, s.err.Index = array, i
			if known {
				s.err.ID = strconv.FormatInt(id, 10)
			}
		}
		i++
		return next
	})
}

// image reads an entry of "images".
func (s *datasetReader) image(p int) (id int64, known bool, next int) {
	start := p
	var im Image
	next = s.members(p, func(name []byte, p int) int {
		var v int64
		switch string(name) {
		case "id":
			if s.at(p) == '"' {
				var text []byte
				if text, p = s.text(p); p >= 0 {
					im.ID = s.names.id(string(text))
					s.named++
				}
			} else {
				im.ID, p = s.int(p)
			}
			known = true
		case "height":
			if v, p = s.length(p); p >= 0 {
				im.Height = int(v)
			}
		case "width":
			if v, p = s.length(p); p >= 0 {
				im.Width = int(v)
			}
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
	if next >= 0 && !known {
		next = s.fail(start, "id: missing")
	}
	s.ids++
	s.d.Images = append(s.d.Images, im)
	return im.ID, known && s.named == 0, next
}

// category reads an entry of "categories".
func (s *datasetReader) category(p int) (id int64, known bool, next int) {
	start := p
	var c Category
	next = s.members(p, func(name []byte, p int) int {
		switch string(name) {
		case "id":
			if s.at(p) == '"' {
				var text []byte
				if text, p = s.text(p); p >= 0 {
					c.ID = s.categories.id(string(text))
					s.namedCategories++
				}
			} else {
				c.ID, p = s.int(p)
			}
			known = true
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
	if next >= 0 && !known {
		next = s.fail(start, "id: missing")
	}
	s.d.Categories = append(s.d.Categories, c)
	return c.ID, known && s.namedCategories == 0, next
}

// named1 stores the field of an error.
func (s *datasetReader) named1(field []byte, p int) int {
	if p < 0 && s.err.Field == "" {
		s.err.Field = string(field)
	}
	return p
}

// length reads a number of pixels; null counts as unknown, and so does a string, with which the reference cannot count.
func (s *datasetReader) length(p int) (int64, int) {
	if s.isNull(p) || s.at(p) == '"' {
		return 0, s.skip(p)
	}
	v, next := s.int(p)
	if next >= 0 && (v < 0 || v > 1<<31) {
		return 0, s.fail(p, "%d pixels", v)
	}
	return v, next
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
