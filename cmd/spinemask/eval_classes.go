package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/config"
)

// pairing says which category of a data set each class of a model is.
type pairing struct {
	classes    []config.Category
	category   []int // of each class: the index in the data set's list, or -1
	data       *coco.Dataset
	byNumber   string // why classes and categories meet by their numbers; "": they meet by name
	categories map[int64]int64
}

// pair finds the categories of a model's classes: by name, whatever the numbers are; by number only where one side has no
// names. It is an error if none meets: the run would give an AP of 0.
func pair(classes []config.Category, d *coco.Dataset) (*pairing, error) {
	p := &pairing{classes: classes, data: d, categories: map[int64]int64{}}
	switch {
	case !hasNames(classes):
		p.byNumber = "the model has no names for its classes"
	case !d.HasCategoryNames():
		p.byNumber = d.File + " has no names for its categories"
	}
	met := 0
	for _, c := range classes {
		k, err := p.find(c)
		if err != nil {
			return nil, err
		}
		if p.category = append(p.category, k); k >= 0 {
			p.categories[int64(c.ID)] = d.Categories[k].ID
			met++
		}
	}
	if met == 0 && !d.NoCategories {
		return nil, hinted{
			fmt.Errorf("no class of the model is a category of %s: the model has %s; the data set has %s", d.File, some(classNamesOf(classes), 5), some(p.categoryNames(), 5)),
			"--names gives the classes of the model other names",
		}
	}
	return p, nil
}

// hasNames reports whether a model knows what its classes are called. A class of unknown name is "class 7".
func hasNames(classes []config.Category) bool {
	for _, c := range classes {
		if c.Name != "" && c.Name != fmt.Sprintf("class %d", c.ID) {
			return true
		}
	}
	return false
}

// find returns the index of the category of a class, or -1.
func (p *pairing) find(c config.Category) (int, error) {
	d := p.data
	if p.byNumber != "" {
		for k := range d.Categories {
			if p.id(k) == strconv.Itoa(c.ID) {
				return k, nil
			}
		}
		return -1, nil
	}
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b && a != "" }, cocoeval.SameCategory} {
		found := []int{}
		for k := range d.Categories {
			if same(d.Categories[k].Name, c.Name) {
				found = append(found, k)
			}
		}
		if len(found) > 1 && d.Categories[found[0]].ID != d.Categories[found[1]].ID {
			return -1, fmt.Errorf("%s: categories %s and %s have the same name %q", d.File, p.id(found[0]), p.id(found[1]), c.Name)
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	return -1, nil
}

// id is the id of category k without quotes.
func (p *pairing) id(k int) string {
	c := &p.data.Categories[k]
	if c.IDName != nil {
		return c.IDName.Text
	}
	return strconv.FormatInt(c.ID, 10)
}

func classNamesOf(classes []config.Category) (list []string) {
	for _, c := range classes {
		list = append(list, fmt.Sprintf("%s (%d)", c.Name, c.ID))
	}
	return list
}

func (p *pairing) categoryNames() (list []string) {
	for k, c := range p.data.Categories {
		list = append(list, fmt.Sprintf("%s (%s)", c.Name, p.id(k)))
	}
	return list
}

// same reports whether every class has a category, of the same number, and the other way round.
func (p *pairing) same() bool {
	for i, k := range p.category {
		if k < 0 || p.data.CategoryNames != nil || p.data.Categories[k].ID != int64(p.classes[i].ID) {
			return false
		}
	}
	return len(p.classes) == len(p.data.Categories)
}

// say tells what meets what.
func (p *pairing) say(t *talk) {
	if p.byNumber != "" {
		t.line("classes and categories meet by their numbers: %s", p.byNumber)
	}
	if p.data.NoCategories || p.same() && p.byNumber == "" {
		return
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "class of the model\tcategory of the data set")
	met := map[int64]bool{}
	for i, k := range p.category {
		c, category := p.classes[i], "- (not evaluated)"
		if k >= 0 {
			category = p.id(k) + " " + p.data.Categories[k].Name
			met[p.data.Categories[k].ID] = true
		}
		fmt.Fprintf(w, "%d %s\t%s\n", c.ID, c.Name, category)
	}
	for k, c := range p.data.Categories {
		if !met[c.ID] {
			fmt.Fprintf(w, "- (never found)\t%s %s\n", p.id(k), c.Name)
		}
	}
	w.Flush()
	for line := range strings.Lines(b.String()) {
		t.line("%s", strings.TrimRight(line, " \n"))
	}
}

// mapping is what annotated.categories wants.
func (p *pairing) mapping() map[int64]int64 {
	if p.data.NoCategories || p.same() {
		return nil
	}
	return p.categories
}
