package coco

// OpenResults reads the results file at path: JSON, or that packed by gzip or zstd. Plain files are mapped into memory
// where the system allows it; one whose masks are run lengths must not be changed while the result is in use. A result
// without a box keeps its mask, or else its keypoints, whatever the fields.
func OpenResults(path string, fields Fields) (*Results, error) {
	b, release, err := load(path)
	if err != nil {
		return nil, err
	}
	r, err := ParseResults(b, path, fields)
	if err != nil {
		return nil, err
	}
	r.detach(release)
	return r, nil
}

// ParseResults reads a results file from memory. The result keeps b, which must not be changed. name is for messages.
func ParseResults(b []byte, name string, fields Fields) (*Results, error) {
	s := resultsReader{scanner: scanner{b: b}, r: &Results{File: name}, fields: orAll(fields), ids: new(idNames)}
	s.file()
	if s.err != nil {
		s.err.File = name
		s.err.name(b, true)
		return nil, s.err
	}
	a := &s.r.Annotations
	a.data = b
	a.ImageNames = s.ids.images.settle(a.eachImageID)
	a.CategoryNames = s.ids.categories.settle(a.eachCategoryID)
	a.settled()
	return s.r, nil
}

// resultsReader reads what is around the list of results.
type resultsReader struct {
	scanner
	r      *Results
	fields Fields
	ids    *idNames
}

// file reads the whole file.
func (s *resultsReader) file() {
	defer guard(&s.err)()
	p, mark := s.begin()
	s.r.ByteOrderMark = mark
	switch s.at(p) {
	case '[':
		p = s.list(p)
	case '{':
		start := p
		p = s.members(p, func(name []byte, p int) int {
			if string(name) == "annotations" {
				s.r.InObject = true
				return s.list(p)
			}
			return s.skip(p)
		})
		if p >= 0 && !s.r.InObject {
			p = s.fail(start, "object without a list \"annotations\", want a list of results")
		}
	default:
		p = s.wrong(p, p, "a list of results")
	}
	if p >= 0 {
		s.end(p)
	}
}

// list reads the list of results at p.
func (s *resultsReader) list(p int) int {
	parts, next, err := readList(guess(s.b, p), func() *reader {
		return &reader{scanner: scanner{b: s.b}, fields: s.fields, ids: s.ids, results: true}
	})
	if err != nil {
		s.err = err
		return bad
	}
	s.r.Annotations = join(parts)
	return next
}
