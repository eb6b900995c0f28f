package cocoeval

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// listCategories fills categories and the ways to them.
func (g *truth) listCategories(d *coco.Dataset, p *Params, w *warnings) error {
	list := slices.Clone(d.Categories)
	lost, err := idsLost(d.CategoryNames, len(list), func(i int) int64 { return list[i].ID }, p)
	if err != nil {
		return fmt.Errorf("cocoeval: %s: categories: %w", d.File, err)
	}
	if d.NoCategories {
		if p.Mode == Strict {
			return fmt.Errorf("cocoeval: %s: categories: missing", d.File)
		}
		for _, id := range d.CategoryID {
			c := coco.Category{ID: id, Name: fmt.Sprint(id)}
			if d.CategoryNames != nil {
				c.IDName = &d.CategoryNames[id]
				c.Name = c.IDName.Text
			}
			list = append(list, c)
		}
		w.add("no-categories", "data sets without a list of categories; it was made of the annotations", func() string { return d.File })
	}
	slices.SortStableFunc(list, func(a, b coco.Category) int { return cmp.Compare(a.ID, b.ID) })
	for i := range list {
		c := &list[i]
		if i+1 < len(list) && list[i+1].ID == c.ID {
			if !d.NoCategories {
				w.add("duplicate-categories", "categories with the id of another; the last one counts", func() string { return d.CategoryName(c.ID) })
			}
			continue
		}
		if lost != nil && lost(c.ID) {
			w.add("large-ids", largeIDs, func() string { return d.CategoryName(c.ID) })
			continue
		}
		if p.CategoryIDs != nil && !slices.Contains(p.CategoryIDs, c.ID) {
			continue
		}
		g.ids, g.listed = append(g.ids, c.ID), append(g.listed, *c)
	}
	for _, id := range p.CategoryIDs {
		if !slices.Contains(g.ids, id) {
			w.add("unknown-categories", "categories to evaluate that the data set does not list", func() string { return fmt.Sprint(id) })
		}
	}
	g.rank, g.categories = newIDTable(g.ids), g.listed
	if p.ClassAgnostic {
		g.categories = []coco.Category{{ID: -1}}
	}
	return nil
}

// categoryOf returns the index of a category, or -1.
func (g *truth) categoryOf(id int64) int32 {
	k := g.rank.of(id)
	if k > 0 && len(g.categories) < len(g.ids) {
		return 0 // all are one
	}
	return k
}
