package tiff

import (
	"encoding/xml"
	"strings"
)

// perkinElmerSeries reads the channels of PerkinElmer's QPTIFF (.qptiff): each page has XML in its description with the kind of picture that it is, and the name of
// the channel if it is one of several in full size.
func perkinElmerSeries(f *File) *series {
	const element = "<PerkinElmer-QPI-ImageDescription"
	if !strings.Contains(f.Pages[0].Description(), element) {
		return nil
	}
	var pages []*Page
	var names []string
	for _, p := range f.Pages {
		var d struct{ ImageType, Name string }
		text := p.Description()
		i := strings.Index(text, element)
		if i < 0 || xml.Unmarshal([]byte(text[i:]), &d) != nil || d.ImageType != "FullResolution" {
			continue
		}
		pages = append(pages, p)
		names = append(names, d.Name)
	}
	s, ok := newSeries("PerkinElmer", len(pages), 1, 1)
	if !ok || len(pages) < 2 {
		return nil // one picture in colour, or a file that says nothing
	}
	s.fill(pages, "czt")
	s.names = names
	return s
}
