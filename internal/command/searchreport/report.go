// Package searchreport writes the page about a search of architectures: scores over evaluations and over cost, the best wirings, and what the good ones share.
package searchreport

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"github.com/spinemask/spinemask/internal/command/netdraw"
	"github.com/spinemask/spinemask/internal/command/trials"
	"github.com/spinemask/spinemask/internal/core/page"
)

//go:embed report.html
var text string

var pageTemplate = page.New("search", text)

// A Report is what the page shows.
type Report struct {
	Name   string         // of the folder
	Trials []trials.Trial // measured, in their order
	Made   []page.Fact    // how
}

// shown is how many wirings are drawn.
const shown = 4

// Write writes the page.
func (r *Report) Write(w io.Writer) error {
	p := struct {
		Name    string
		Facts   []page.Fact
		Charts  []page.Chart
		Best    []wiring
		Good    int
		Options []option
		Made    []page.Fact
	}{Name: r.Name, Made: r.Made, Facts: []page.Fact{{Name: "architectures tried", Value: fmt.Sprint(len(r.Trials))}}}
	if len(r.Trials) > 0 {
		best := Best(r.Trials)
		p.Facts = append(p.Facts,
			page.Fact{Name: "box AP of the best", Value: ap(best[0])},
			page.Fact{Name: "of the median", Value: ap(best[len(best)/2])},
			page.Fact{Name: "of the worst", Value: ap(best[len(best)-1])})
		p.Charts = []page.Chart{scores(r.Trials), costs(r.Trials)}
		for _, t := range best[:min(shown, len(best))] {
			d, err := draw(t)
			if err != nil {
				return err
			}
			p.Best = append(p.Best, d)
		}
		good := best[:(len(best)+3)/4]
		p.Good, p.Options = len(good), options(good, r.Trials)
	}
	return pageTemplate.Execute(w, p)
}

// Best are trials from the best on; of equal ones the earlier is the better.
func Best(list []trials.Trial) []trials.Trial {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b trials.Trial) int { return cmp.Compare(b.Score.AP, a.Score.AP) })
	return list
}

func ap(t trials.Trial) string { return fmt.Sprintf("%.3f", t.Score.AP) }

// scores are those of all trials, and the best so far.
func scores(list []trials.Trial) page.Chart {
	each, best := page.Line{Name: "an architecture", Dots: true}, page.Line{Name: "the best so far"}
	top := list[0].Score.AP
	for _, t := range list {
		x := float64(t.Index + 1)
		top = max(top, t.Score.AP)
		each.X, each.Y = append(each.X, x), append(each.Y, t.Score.AP)
		best.X, best.Y = append(best.X, x), append(best.Y, top)
	}
	return page.Chart{Title: "Box AP of the proxy, in the order of trying", Lines: []page.Line{each, best}}
}

// costs are scores over multiply-adds, with those that no other one beats in both.
func costs(list []trials.Trial) page.Chart {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b trials.Trial) int {
		return cmp.Or(cmp.Compare(a.MACs, b.MACs), cmp.Compare(b.Score.AP, a.Score.AP))
	})
	each, front := page.Line{Name: "an architecture", Dots: true}, page.Line{Name: "better than all that cost less"}
	top := -1.0
	for _, t := range list {
		x := float64(t.MACs) / 1e9
		each.X, each.Y = append(each.X, x), append(each.Y, t.Score.AP)
		if t.Score.AP > top {
			top = t.Score.AP
			front.X, front.Y = append(front.X, x), append(front.Y, top)
		}
	}
	return page.Chart{Title: "Box AP over G multiply-adds of the full network", Lines: []page.Line{each, front}}
}

// A wiring is the picture of an architecture.
type wiring struct {
	Title string
	SVG   template.HTML
}

func draw(t trials.Trial) (wiring, error) {
	title := fmt.Sprintf("number %d: AP %s, %.1f M parameters, %.1f G multiply-adds", t.Index+1, ap(t), float64(t.Parameters)/1e6, float64(t.MACs)/1e9)
	var b bytes.Buffer
	err := netdraw.Draw(&b, t.Table, title)
	return wiring{title, template.HTML(b.String())}, err
}
