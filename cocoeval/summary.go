package cocoeval

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
)

// A Stat is one number of the summary.
type Stat struct {
	Name  string // AP, AP50, APs, AR100, … as usual in the literature
	Value float64

	line line
}

// line is what a line of the summary says about its number.
type line struct {
	recall  bool
	iou     float64 // 0: all thresholds
	area    string
	maxDets int
	group   string // LVIS: r, c or f
	own     bool   // the area is one that the summary does not know
}

// Stats returns the numbers of the summary: pycocotools' 12, or 10 of keypoints, or lvis-api's 13; then, for each area range
// with another label than those of the summary, its AP and AR, named AP_label and AR_label.
//
// In strict mode they are taken where pycocotools takes them: the first line at 100 detections whatever maxDets is (20 in
// all lines of keypoints), the others at the third maxDets; what is not there is -1. In corrected mode, and where
// pycocotools has no answer because there are fewer than three maxDets, lines of precision are at the highest, and there is
// a line of recall for each.
func (e *Evaluation) Stats() []Stat {
	lines := e.lines()
	stats := make([]Stat, len(lines))
	var wg sync.WaitGroup
	for i, l := range lines {
		wg.Go(func() {
			var ks []int
			for k := range e.Categories {
				if l.group == "" || l.group == e.Categories[k].Frequency {
					ks = append(ks, k)
				}
			}
			stats[i] = Stat{Name: l.name(e), Value: e.value(l, ks), line: l}
		})
	}
	wg.Wait()
	return stats
}

// ClassStats returns the numbers of the summary for category k alone.
func (e *Evaluation) ClassStats(k int) []Stat {
	var stats []Stat
	for _, l := range e.lines() {
		if l.group == "" {
			stats = append(stats, Stat{Name: l.name(e), Value: e.value(l, []int{k}), line: l})
		}
	}
	return stats
}

// lines lists the lines of the summary, and those of area ranges that it does not know.
func (e *Evaluation) lines() []line {
	lines := e.usualLines()
	known := map[string]bool{}
	for _, l := range lines {
		known[l.area] = true
	}
	maxDets := lines[1].maxDets // the first is at 100 in any case
	for _, recall := range []bool{false, true} {
		for i, r := range e.Params.Areas {
			twice := slices.ContainsFunc(e.Params.Areas[:i], func(o AreaRange) bool { return o.Label == r.Label })
			if !known[r.Label] && !twice {
				lines = append(lines, line{recall: recall, area: r.Label, maxDets: maxDets, own: true})
			}
		}
	}
	return lines
}

// usualLines lists the lines of the references' summaries.
func (e *Evaluation) usualLines() []line {
	p := &e.Params
	n := len(p.MaxDets)
	last := p.MaxDets[n-1]
	switch {
	case p.Protocol == LVIS:
		return lvisLines(last)
	case p.IoU == Keypoints:
		if p.Mode == Strict {
			last = 20
		}
		return []line{
			{maxDets: last, area: "all"}, {maxDets: last, area: "all", iou: .5}, {maxDets: last, area: "all", iou: .75},
			{maxDets: last, area: "medium"}, {maxDets: last, area: "large"},
			{recall: true, maxDets: last, area: "all"}, {recall: true, maxDets: last, area: "all", iou: .5}, {recall: true, maxDets: last, area: "all", iou: .75},
			{recall: true, maxDets: last, area: "medium"}, {recall: true, maxDets: last, area: "large"},
		}
	}
	first, recalls := last, p.MaxDets
	if p.Mode == Strict && n >= 3 {
		first, last, recalls = 100, p.MaxDets[2], p.MaxDets[:3]
	}
	lines := []line{
		{maxDets: first, area: "all"}, {maxDets: last, area: "all", iou: .5}, {maxDets: last, area: "all", iou: .75},
		{maxDets: last, area: "small"}, {maxDets: last, area: "medium"}, {maxDets: last, area: "large"},
	}
	for _, m := range recalls {
		lines = append(lines, line{recall: true, maxDets: m, area: "all"})
	}
	for _, area := range []string{"small", "medium", "large"} {
		lines = append(lines, line{recall: true, maxDets: last, area: area})
	}
	return lines
}

// noteMaxDets adds a warning if the summary is at other maxDets than pycocotools', or has lines at maxDets that are not evaluated.
func (e *Evaluation) noteMaxDets(w *warnings) {
	as := Evaluation{Params: e.Params}
	as.Params.Mode = Strict
	n := 0
	for _, l := range as.lines() {
		if e.Params.Mode == Strict {
			n += btoi(l.maxDets != 0 && !slices.Contains(e.Params.MaxDets, l.maxDets))
		} else {
			n += btoi(!slices.Contains(e.lines(), l))
		}
	}
	if n > 0 {
		w.list = append(w.list, Warning{Code: "max-dets", Count: n, Text: maxDetsText[e.Params.Mode]})
	}
}

var maxDetsText = [...]string{
	Strict:    "lines of pycocotools' summary are at maxDets 100 (20 for keypoints), which is not evaluated, so they have no value; --mode corrected shows the highest",
	Corrected: "lines of pycocotools' summary are at maxDets 100 or the third (20 for keypoints); shown at the highest",
}

func lvisLines(maxDets int) []line {
	lines := []line{{area: "all"}, {area: "all", iou: .5}, {area: "all", iou: .75}, {area: "small"}, {area: "medium"}, {area: "large"}, {area: "all", group: "r"}, {area: "all", group: "c"}, {area: "all", group: "f"}}
	for _, area := range []string{"all", "small", "medium", "large"} {
		lines = append(lines, line{recall: true, area: area})
	}
	for i := range lines {
		lines[i].maxDets = maxDets
	}
	return lines
}

// name makes the usual name of a line's number.
func (l line) name(e *Evaluation) string {
	s := "AP"
	if l.recall {
		s = "AR"
	}
	if l.iou != 0 {
		s += fmt.Sprint(math.Round(l.iou * 100))
	}
	switch {
	case l.own:
		return s + "_" + l.area
	case l.area != "all":
		s += l.area[:1]
	}
	s += l.group
	switch {
	case !l.recall || e.Params.IoU == Keypoints:
	case e.Params.Protocol == LVIS:
		s += fmt.Sprintf("@%d", l.maxDets)
	case l.area == "all":
		s += fmt.Sprint(l.maxDets)
	}
	return s
}

// value computes a line's number over the categories ks.
func (e *Evaluation) value(l line, ks []int) float64 {
	var ts []int
	for t, iou := range e.Params.IoUThresholds {
		if l.iou == 0 || l.iou == iou {
			ts = append(ts, t)
		}
	}
	var as []int
	for a, r := range e.Params.Areas {
		if r.Label == l.area {
			as = append(as, a)
		}
	}
	return e.average(l.recall, ts, ks, as, slices.Index(e.Params.MaxDets, l.maxDets))
}

// WriteText writes the summary, a line per number, as pycocotools or lvis-api print it.
func (e *Evaluation) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, s := range e.Stats() {
		l := s.line
		title, kind := "Average Precision", "(AP)"
		if l.recall {
			title, kind = "Average Recall", "(AR)"
		}
		t := e.Params.IoUThresholds
		iou := fmt.Sprintf("%.2f:%.2f", t[0], t[len(t)-1])
		if l.iou != 0 {
			iou = fmt.Sprintf("%.2f", l.iou)
		}
		if e.Params.Protocol == LVIS {
			area, group := l.area, "all"
			if area != "all" && !l.own {
				area = area[:1]
			}
			if l.group != "" {
				group = l.group
			}
			fmt.Fprintf(&b, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d catIds=%3s] = %.3f\n", title, kind, iou, area, l.maxDets, group, s.Value)
			continue
		}
		fmt.Fprintf(&b, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %.3f\n", title, kind, iou, l.area, l.maxDets, s.Value)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
