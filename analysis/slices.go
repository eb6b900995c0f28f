package analysis

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

// An ObjectSlice is how well objects of some range of a quantity are found. As with COCO's areas, annotations outside do not
// count, nor do detections without an annotation that are outside themselves; both ends belong to a range.
type ObjectSlice struct {
	Quantity    string  `json:"quantity"` // area, aspect_ratio (width over height) or relative_area (box over image)
	Name        string  `json:"name"`
	Min         float64 `json:"min"`
	Max         float64 `json:"max"`
	Annotations int     `json:"annotations"`
	AP          float64 `json:"ap"` // -1: no annotation counts
	AP50        float64 `json:"ap50"`
	AR          float64 `json:"ar"`
}

var quantityNames = [...]string{cocoeval.Area: "area", cocoeval.AspectRatio: "aspect_ratio", cocoeval.RelativeArea: "relative_area"}

// ObjectSlices returns what each of the area ranges of an evaluation gives; see Ranges.
func ObjectSlices(e *cocoeval.Evaluation) []ObjectSlice {
	var list []ObjectSlice
	for _, s := range e.RangeStats() {
		r := s.Range
		list = append(list, ObjectSlice{quantityNames[r.Of], r.Label, finite(r.Min), finite(r.Max), s.Annotations, s.AP, s.AP50, s.AR})
	}
	return list
}

// Ranges returns the ranges between neighbours of some ascending cuts, and those below the first and above the last, for
// Params.Areas. Sizes and ratios are not negative, so the first begins at 0.
func Ranges(of cocoeval.Quantity, cuts []float64) ([]cocoeval.AreaRange, error) {
	ends := append(append([]float64{0}, cuts...), 1e5*1e5) // COCO's largest area
	var list []cocoeval.AreaRange
	for i, high := range ends[1:] {
		low := ends[i]
		if !(low < high) {
			return nil, fmt.Errorf("analysis: cuts %v of %s, want ascending numbers between 0 and 1e10", cuts, quantityNames[of])
		}
		label := text(low) + "-" + text(high)
		switch {
		case i == 0:
			label = "<=" + text(high)
		case i == len(cuts):
			label = ">=" + text(low)
		}
		list = append(list, cocoeval.AreaRange{Label: quantityNames[of] + " " + label, Min: low, Max: high, Of: of})
	}
	return list, nil
}

func text(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// AreaPercentiles returns the areas below which the given percentages of the annotations are, crowds left out, as numpy's
// percentile computes them: cuts for Ranges.
func AreaPercentiles(d *coco.Dataset, percent []float64) ([]float64, error) {
	var areas []float64
	for i, has := range d.Has {
		if has&coco.HasArea != 0 && has&coco.IsCrowd == 0 && !math.IsNaN(d.Area[i]) {
			areas = append(areas, d.Area[i])
		}
	}
	if len(areas) == 0 {
		return nil, fmt.Errorf("analysis: %s: no annotation with an area to take percentiles of", d.File)
	}
	slices.Sort(areas)
	var cuts []float64
	for _, p := range percent {
		if !(p > 0 && p < 100) {
			return nil, fmt.Errorf("analysis: percentile %v, want more than 0 and less than 100", p)
		}
		cuts = append(cuts, quantile(areas, p/100))
	}
	return cuts, nil
}

// An ImageSlice is the summary over some of the images alone.
type ImageSlice struct {
	Name   string `json:"name"`
	Images int    `json:"images"`
	Stats  []Stat `json:"stats"`
}

// Stat is a number of the summary; -1 where no annotation counts.
type Stat struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// A Group is some of the images, by index, ascending.
type Group struct {
	Name   string
	Images []int32
}

// ImageSlices computes the summary of each group.
func ImageSlices(r *cocoeval.Resampler, groups []Group) []ImageSlice {
	s, values := r.NewSampler(), make([]float64, len(r.Names()))
	list := make([]ImageSlice, len(groups))
	for i, g := range groups {
		s.Sample(g.Images, values, nil)
		list[i] = ImageSlice{Name: g.Name, Images: len(g.Images)}
		for j, name := range r.Names() {
			list[i].Stats = append(list[i].Stats, Stat{name, values[j]})
		}
	}
	return list
}

// ByCrowding groups the images by their number of annotations that count: none, 1 to 2, 3 to 10, more than 10.
func (a *Analysis) ByCrowding() []Group {
	n := make([]int, len(a.o.Images))
	for g := range a.o.Annotations {
		if x := &a.o.Annotations[g]; !x.Ignored {
			n[x.Image]++
		}
	}
	groups := []Group{{Name: "0 annotations"}, {Name: "1-2 annotations"}, {Name: "3-10 annotations"}, {Name: ">10 annotations"}}
	for i, n := range n {
		at := 0
		for at < 3 && n > [...]int{0, 2, 10}[at] {
			at++
		}
		groups[at].Images = append(groups[at].Images, int32(i))
	}
	return slices.DeleteFunc(groups, func(g Group) bool { return len(g.Images) == 0 })
}

// ByField groups the images by a field of the annotation file, whose values [coco.ImageField] reads; by value, in the order
// of numbers where all are numbers.
func (a *Analysis) ByField(field string, values []string) ([]Group, error) {
	if len(values) != len(a.o.Dataset.Images) {
		return nil, fmt.Errorf("analysis: %d values of %s for %d images", len(values), field, len(a.o.Dataset.Images))
	}
	of, any := map[string][]int32{}, false
	for i, entry := range a.o.Images {
		v := values[entry]
		of[v], any = append(of[v], int32(i)), any || v != ""
	}
	if !any {
		return nil, fmt.Errorf("analysis: %s: no image has a field %q", a.o.Dataset.File, field)
	}
	var groups []Group
	for v, images := range of {
		groups = append(groups, Group{v, images})
	}
	slices.SortFunc(groups, func(x, y Group) int {
		u, errU := strconv.ParseFloat(x.Name, 64)
		v, errV := strconv.ParseFloat(y.Name, 64)
		if errU != nil || errV != nil {
			u, v = 0, 0
		}
		return cmp.Or(cmp.Compare(btoi(errU != nil), btoi(errV != nil)), cmp.Compare(u, v), cmp.Compare(x.Name, y.Name))
	})
	for i := range groups {
		groups[i].Name = field + "=" + groups[i].Name
	}
	return groups, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ReadGroup reads a list of image ids, one a line, as the annotation file writes them. name is for messages and for the group.
func (a *Analysis) ReadGroup(name string, r io.Reader) (Group, error) {
	index := make(map[string]int32, len(a.o.Images))
	for i, entry := range a.o.Images {
		d := a.o.Dataset
		index[d.ImageName(d.Images[entry].ID)] = int32(i)
	}
	g := Group{Name: name}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		id := strings.TrimSpace(lines.Text())
		if id == "" {
			continue
		}
		i, known := index[id]
		if !known {
			return Group{}, fmt.Errorf("analysis: %s:%d: image %q is not one of the evaluation's", name, n, id)
		}
		g.Images = append(g.Images, i)
	}
	if err := lines.Err(); err != nil {
		return Group{}, fmt.Errorf("analysis: %s: %w", name, err)
	}
	slices.Sort(g.Images)
	g.Images = slices.Compact(g.Images)
	if len(g.Images) == 0 {
		return Group{}, fmt.Errorf("analysis: %s: no image id", name)
	}
	return g, nil
}
