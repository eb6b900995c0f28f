package cocoeval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/coco"
)

// A placer finds which image, or category, an id means. Ids are equal if their values are, to pycocotools: the number 1 and
// the string "1" are two. Corrected mode takes those for the same, and falls back on what people write in place of ids: the
// names of files, with or without their ending, and of categories.
type placer struct {
	ids    []coco.Name // of the data set's list
	index  []int32     // of each of them: what it stands for
	exact  map[coco.Name]int32
	number map[string][]int32               // by the number without leading zeros
	label  func(text string) (same []int32) // by another name than the id; several if it is not clear
	text   func(i int32) string             // names an image or category in an error
	found  map[coco.Name]placed             // what was looked up already
}

// placed is what an id was taken for.
type placed struct {
	index int32 // -1: nothing
	how   how
	same  []int32 // those that it means alike, if it is not clear
}

// how says by what an id was found.
type how uint8

const (
	byID how = iota
	byNumber
	byLabel
)

// newPlacer lists the ids of things, id(i) that of index i.
func newPlacer(n int, id func(i int) coco.Name, label func(string) []int32, text func(int32) string) *placer {
	p := &placer{exact: make(map[coco.Name]int32, n), label: label, text: text, found: map[coco.Name]placed{}}
	for i := range n {
		p.ids, p.index = append(p.ids, id(i)), append(p.index, int32(i))
		p.exact[p.ids[i]] = int32(i)
	}
	return p
}

// strictly finds an id by its value.
func (p *placer) strictly(id coco.Name) int32 {
	if i, ok := p.exact[id]; ok {
		return i
	}
	return -1
}

// loosely finds an id by its value, as the same number, or by a name.
func (p *placer) loosely(id coco.Name) placed {
	if x, ok := p.found[id]; ok {
		return x
	}
	x := p.look(id)
	p.found[id] = x
	return x
}

func (p *placer) look(id coco.Name) placed {
	if i := p.strictly(id); i >= 0 {
		return placed{index: i}
	}
	if id.Kind == coco.NullName {
		return placed{index: -1}
	}
	if n := plainNumber(id.Text); n != "" {
		if p.number == nil {
			p.number = map[string][]int32{}
			for i, other := range p.ids {
				if other.Kind != coco.NullName {
					key := plainNumber(other.Text)
					p.number[key] = append(p.number[key], int32(i))
				}
			}
		}
		if same := p.number[n]; len(same) > 0 {
			return one(same, byNumber)
		}
	}
	return p.labelled(id)
}

// labelled finds an id by a name alone.
func (p *placer) labelled(id coco.Name) placed {
	if id.Kind == coco.NullName {
		return placed{index: -1}
	}
	return one(p.label(id.Text), byLabel)
}

// one is a find that is clear only if it is the only one.
func one(same []int32, by how) placed {
	switch len(same) {
	case 0:
		return placed{index: -1}
	case 1:
		return placed{index: same[0], how: by}
	}
	return placed{index: -1, how: by, same: same}
}

// ambiguous says what an id means alike.
func (p *placer) ambiguous(x placed) string {
	var list []string
	for _, i := range x.same[:min(len(x.same), maxExamples)] {
		list = append(list, p.text(i))
	}
	return "means " + strings.Join(list, " and ") + " alike"
}

// plainNumber is a number without zeros before it and without ".0" behind, "" for what is no such number.
func plainNumber(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".0")
	digits, minus := strings.CutPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	if minus {
		return "-" + digits
	}
	return digits
}

// nameOf is an id as a file writes it.
func nameOf(names []coco.Name, id int64) coco.Name {
	if names != nil {
		return names[id]
	}
	return coco.Name{Kind: coco.NumberName, Text: strconv.FormatInt(id, 10)}
}

// imagePlacer finds the images of a data set.
func (g *truth) imagePlacer() *placer {
	if g.placeImage != nil {
		return g.placeImage
	}
	t := &g.images
	var files *coco.FileNames
	label := func(text string) (same []int32) {
		if files == nil {
			names := make([]string, len(t.entry))
			for i, e := range t.entry {
				names[i] = g.data.Images[e].FileName
			}
			files = coco.NewFileNames(names)
		}
		found, _ := files.Find(text)
		for _, i := range found {
			same = append(same, int32(i))
		}
		return same
	}
	id := func(i int) coco.Name { return nameOf(g.data.ImageNames, t.ids[i]) }
	g.placeImage = newPlacer(len(t.ids), id, label, func(i int32) string {
		return fmt.Sprintf("image %s (%s)", t.name(i), g.data.Images[t.entry[i]].FileName)
	})
	return g.placeImage
}

// categoryPlacer finds the selected categories of a data set, as indexes into ids.
func (g *truth) categoryPlacer() *placer {
	if g.placeCategory != nil {
		return g.placeCategory
	}
	label := func(text string) (same []int32) {
		for _, equal := range []func(a, b string) bool{func(a, b string) bool { return a == b }, SameCategory} {
			for i, c := range g.listed {
				if equal(c.Name, text) {
					same = append(same, int32(i))
				}
			}
			if same != nil {
				break
			}
		}
		return same
	}
	id := func(i int) coco.Name { return nameOf(g.data.CategoryNames, g.ids[i]) }
	g.placeCategory = newPlacer(len(g.ids), id, label, func(i int32) string {
		return fmt.Sprintf("category %s (%s)", g.data.CategoryName(g.ids[i]), g.listed[i].Name)
	})
	return g.placeCategory
}

// SameCategory reports whether two names of categories are the same but for case and white space around them.
func SameCategory(a, b string) bool {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	return a != "" && strings.EqualFold(a, b)
}

// equalNames reports whether two files number their ids alike.
func equalNames(a, b []coco.Name) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// placing counts what a list of results or annotations was placed by, for warnings.
type placing struct {
	w       *warnings
	what    string // "image" or "category"
	entries string // "results" or "annotations"
}

// note counts an entry that was not placed by its id.
func (p placing) note(x placed, id func() string) {
	if x.index < 0 {
		return
	}
	suffix := ""
	if p.entries != "results" {
		suffix = "-" + p.entries
	}
	switch x.how {
	case byNumber:
		p.w.add(p.what+"-id-type"+suffix, p.entries+" whose "+p.what+" id is a string where the data set has a number, or the other way round; taken as the same", id)
	case byLabel:
		p.w.add(p.what+"-id-name"+suffix, p.entries+" whose "+p.what+" id is none of the data set, but "+map[string]string{"image": "the name of an image's file", "category": "the name of a category"}[p.what]+"; taken for it", id)
	}
}
