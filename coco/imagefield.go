package coco

import "encoding/json"

// ImageField reads one field of every entry of "images" in the annotation file at path, in the order of Dataset.Images: the
// text of a string, the JSON of anything else, and "" where the field is missing or null.
func ImageField(path, field string) ([]string, error) {
	b, release, err := load(path)
	if err != nil {
		return nil, err
	}
	if release != nil {
		defer release()
	}
	s := scanner{b: b}
	values := s.imageField(field)
	if s.err != nil {
		s.err.File = path
		return nil, s.err
	}
	return values, nil
}

func (s *scanner) imageField(field string) (values []string) {
	defer guard(&s.err)()
	p, _ := s.begin()
	if s.at(p) != '{' {
		p = s.wrong(p, p, "an object")
	}
	s.members(p, func(name []byte, p int) int {
		if string(name) != "images" {
			return s.skip(p)
		}
		values = values[:0] // of a member that comes twice, the last one counts
		return s.elements(p, func(p int) int {
			if s.at(p) != '{' {
				return s.wrong(p, p, "an object")
			}
			value := ""
			p = s.members(p, func(name []byte, p int) int {
				if string(name) != field {
					return s.skip(p)
				}
				if s.at(p) == '"' {
					var text []byte
					text, p = s.text(p)
					value = string(text)
					return p
				}
				next := s.skip(p)
				if value = ""; next >= 0 && !s.isNull(p) {
					value = compact(s.b[p:next])
				}
				return next
			})
			values = append(values, value)
			return p
		})
	})
	return values
}

// compact is JSON without white space.
func compact(b []byte) string {
	var v json.RawMessage = b
	if out, err := json.Marshal(v); err == nil {
		return string(out)
	}
	return string(b) // NaN and the like, which encoding/json does not know
}
