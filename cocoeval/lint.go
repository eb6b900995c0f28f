package cocoeval

import (
	"fmt"
	"slices"

	"github.com/spinemask/spinemask/coco"
)

// boxLint looks whether boxes seem to be x1, y1, x2, y2, or fractions of the image.
type boxLint struct {
	n, fractions             int
	sized                    int // of images whose size is known
	ordered, inside, outside int
}

func (l *boxLint) add(b *[4]float64, h, w int) {
	l.n++
	if b[2] > 0 && b[2] <= 1 && b[3] > 0 && b[3] <= 1 && b[0] >= 0 && b[0] <= 1 && b[1] >= 0 && b[1] <= 1 && (b[2] < 1 || b[3] < 1) {
		l.fractions++
	}
	if h == 0 || w == 0 {
		return
	}
	l.sized++
	fh, fw := float64(h), float64(w)
	if b[2] > b[0] && b[3] > b[1] {
		l.ordered++
	}
	if b[2] <= fw+1 && b[3] <= fh+1 {
		l.inside++
	}
	if b[0]+b[2] > fw*1.01+1 || b[1]+b[3] > fh*1.01+1 {
		l.outside++
	}
}

// merge adds the counts of other.
func (l *boxLint) merge(o *boxLint) {
	l.n, l.fractions, l.sized = l.n+o.n, l.fractions+o.fractions, l.sized+o.sized
	l.ordered, l.inside, l.outside = l.ordered+o.ordered, l.inside+o.inside, l.outside+o.outside
}

// report warns where nearly all boxes are proper ones if their last numbers are corners, and many leave the image if those
// are sizes; and where nearly all lie within the first pixel. Codes of annotations begin with prefix.
func (l *boxLint) report(w *warnings, entries, prefix string) {
	if l.sized > 0 && l.ordered*100 >= l.sized*99 && l.inside*100 >= l.sized*99 && l.outside*10 >= l.sized {
		w.list = append(w.list, Warning{Code: prefix + "xyxy", Count: l.outside, Text: "boxes of " + entries + " leave their image, and none would as x1, y1, x2, y2: COCO wants x, y, width, height"})
	}
	if l.fractions > 0 && l.fractions*100 >= l.n*99 {
		w.list = append(w.list, Warning{Code: prefix + "normalised", Count: l.fractions, Text: "boxes of " + entries + " lie between 0 and 1: they seem to be fractions of the image; COCO wants pixels"})
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
