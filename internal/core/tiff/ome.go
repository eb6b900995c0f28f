package tiff

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The parts of OME-XML that say what the pages are (www.openmicroscopy.org, schema 2016-06). Pages are numbered from 0 there.
type omeXML struct {
	UUID       string `xml:",attr"`
	BinaryOnly *struct {
		MetadataFile string `xml:",attr"`
	}
	Image []struct {
		Name   string `xml:",attr"`
		Pixels omePixels
	}
}

type omePixels struct {
	DimensionOrder    string `xml:",attr"`
	SizeC             int    `xml:",attr"`
	SizeZ             int    `xml:",attr"`
	SizeT             int    `xml:",attr"`
	PhysicalSizeX     string `xml:",attr"`
	PhysicalSizeXUnit string `xml:",attr"`
	PhysicalSizeY     string `xml:",attr"`
	PhysicalSizeYUnit string `xml:",attr"`
	Channel           []struct {
		Name            string `xml:",attr"`
		Fluor           string `xml:",attr"`
		SamplesPerPixel int    `xml:",attr"`
	}
	TiffData []struct {
		IFD        *int `xml:",attr"`
		FirstC     int  `xml:",attr"`
		FirstZ     int  `xml:",attr"`
		FirstT     int  `xml:",attr"`
		PlaneCount *int `xml:",attr"`
		UUID       *struct {
			Text     string `xml:",chardata"`
			FileName string `xml:",attr"`
		}
	}
}

// omeSeries reads the order of pages from OME-XML in the description of the first page. Of several images in a file it is the largest, and of equal ones the
// first. Planes that are in other files of a set are not looked for.
func omeSeries(f *File) *series {
	text := f.Pages[0].Description()
	if !strings.Contains(text[max(len(text)-20, 0):], "OME>") && !strings.Contains(text[:min(len(text), 2000)], "<OME") {
		return nil
	}
	if !utf8.ValidString(text) {
		text = latin1(text)
	}
	var doc omeXML
	if i := strings.Index(text, "?>"); strings.HasPrefix(text, "<?xml") && i > 0 {
		text = text[i+2:] // whatever version and encoding it says
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	if err := d.Decode(&doc); err != nil || doc.BinaryOnly != nil {
		return nil
	}
	var best *series
	var bestName string
	for _, m := range doc.Image {
		s := f.omeImage(&m.Pixels, doc.UUID)
		if s == nil || !s.usable() {
			continue
		}
		if p := s.first(); best == nil || p.Width*p.Height > best.first().Width*best.first().Height {
			best, bestName = s, m.Name
		}
	}
	if n := len(doc.Image); best != nil && n > 1 {
		remark := fmt.Sprintf("1 of %d images in the file", n)
		if bestName != "" {
			remark += ", " + bestName
		}
		best.remarks = append(best.remarks, remark)
	}
	return best
}

// latin1 reads text of one byte a character.
func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// omeImage puts the pages of one image in order. uuid is that of the file.
func (f *File) omeImage(m *omePixels, uuid string) *series {
	perPage := 1
	if len(m.Channel) > 0 {
		perPage = max(m.Channel[0].SamplesPerPixel, 1)
	}
	if n := f.Pages[0].Channels; perPage == 1 && n > 1 && m.SizeC%n == 0 && len(f.Pages)*n <= m.SizeC*max(m.SizeZ, 1)*max(m.SizeT, 1) {
		perPage = n // nothing says so, but there are no pages for the channels
	}
	s, ok := newSeries("OME-XML", max(m.SizeC/perPage, 1), max(m.SizeZ, 1), max(m.SizeT, 1))
	if !ok {
		return nil
	}
	named := 0
	for _, c := range m.Channel {
		name := c.Name
		if name == "" {
			name = c.Fluor
		}
		if name != "" {
			named++
		}
		s.names = append(s.names, strings.TrimSpace(name))
	}
	s.grey = perPage > 1 && named == m.SizeC && named > s.c // each sample has a name of its own
	s.pixel = [2]float64{length(m.PhysicalSizeX, m.PhysicalSizeXUnit), length(m.PhysicalSizeY, m.PhysicalSizeYUnit)}

	order := omeOrder(m.DimensionOrder)
	if len(m.TiffData) == 0 {
		s.fill(f.Pages, order)
		return s
	}
	linear := make([]*Page, len(s.pages)) // in the order of the file
	sizes := map[byte]int{'c': s.c, 'z': s.z, 't': s.t}
	files := map[string]bool{}
	for _, d := range m.TiffData {
		if d.UUID != nil {
			files[strings.TrimSpace(d.UUID.Text)] = true
		}
	}
	if uuid == "" && len(files) > 1 {
		return nil // which of them this file is, it does not say
	}
	for _, d := range m.TiffData {
		from, count := 0, len(f.Pages)
		if d.IFD != nil {
			from, count = *d.IFD, 1
		}
		if d.PlaneCount != nil && *d.PlaneCount > 0 {
			count = *d.PlaneCount
		}
		first := map[byte]int{'c': d.FirstC, 'z': d.FirstZ, 't': d.FirstT}
		at, step, inside := 0, 1, true
		for i := range order {
			inside = inside && first[order[i]] >= 0 && first[order[i]] < sizes[order[i]]
			at += first[order[i]] * step
			step *= sizes[order[i]]
		}
		if !inside || from < 0 {
			continue
		}
		count = min(count, len(linear)-at)
		if d.UUID != nil && uuid != "" && !strings.EqualFold(strings.TrimSpace(d.UUID.Text), strings.TrimSpace(uuid)) {
			s.elsewhere += count
			continue
		}
		for i := range count {
			if i < len(f.Pages)-from {
				linear[at+i] = f.Pages[from+i]
			}
		}
	}
	s.fill(linear, order)
	return s
}

// length gives a length in µm, which is the unit where none is said; 0 if it is not a number.
func length(value, unit string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(v > 0) || v > 1e9 {
		return 0
	}
	return v * micrometres(unit, 1)
}

// omeOrder turns "XYZCT" into "zct".
func omeOrder(dimensions string) string {
	order := strings.TrimPrefix(strings.ToLower(dimensions), "xy")
	if len(order) == 3 && strings.Contains(order, "c") && strings.Contains(order, "z") && strings.Contains(order, "t") {
		return order
	}
	return "zct"
}
