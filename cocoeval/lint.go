package cocoeval

import (
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// reportBoxes warns of boxes that are not x, y, width, height in pixels. Codes of annotations begin with prefix.
func reportBoxes(c *coco.BoxCheck, w *warnings, entries, prefix string) {
	if n := c.Corners(); n > 0 {
		w.list = append(w.list, Warning{Code: prefix + "xyxy", Count: n, Text: "boxes of " + entries + " " + coco.CornersText})
	}
	if n := c.Fractions(); n > 0 {
		w.list = append(w.list, Warning{Code: prefix + "normalised", Count: n, Text: "boxes of " + entries + " " + coco.FractionsText})
	}
}

// lint warns of annotations with which nothing can be right: none, or crowds alone, of which none counts.
func (g *truth) lint(p *Params, w *warnings) {
	if len(g.entry) == 0 {
		w.add("no-annotations", "data sets without an annotation to compare with; AP is -1", func() string { return g.data.File })
		return
	}
	crowds, all := make([]int, len(g.categories)), make([]int, len(g.categories))
	for i, k := range g.category {
		all[k]++
		crowds[k] += btoi(g.flags[i]&crowd != 0)
	}
	for k := range all {
		if all[k] > 0 && crowds[k] == all[k] {
			w.add("all-crowd", "categories whose annotations all have iscrowd = 1, so that none counts and their AP is -1", func() string {
				if p.ClassAgnostic {
					return "all categories"
				}
				return fmt.Sprintf("%s (%s)", g.data.CategoryName(g.categories[k].ID), g.categories[k].Name)
			})
		}
	}
}

// lintCategories warns where the category ids of results seem to count from another number than those of the data set.
func (d *detections) lintCategories(g *truth, w *warnings) {
	if d.Len() == 0 || len(g.ids) == 0 || d.CategoryNames != nil || g.data.CategoryNames != nil {
		return
	}
	low, high := slices.Min(d.CategoryID), slices.Max(d.CategoryID)
	first, last := g.ids[0], g.ids[len(g.ids)-1]
	var from int
	switch {
	case low == 0 && first > 0 && high < last:
	case first == 0 && low > 0 && high > last:
		from = 1
	default:
		return
	}
	w.list = append(w.list, Warning{
		Code: fmt.Sprintf("categories-from-%d", from), Count: d.Len(),
		Text: fmt.Sprintf("results have category ids %d…%d, the data set %d…%d: they seem to count from %d", low, high, first, last, from),
	})
}

// turned reports whether a mask has the height and width of its image exchanged.
func turned(m *coco.Mask, h, w int) bool { return h != w && int(m.H) == w && int(m.W) == h }
