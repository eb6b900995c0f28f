package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/bench/search/tabular"
	"github.com/spinemask/spinemask/search"
)

// report is what all searches come to.
type report struct {
	Networks    int           `json:"networks"`
	Scores      [2]quartiles  `json:"scores"`   // of each seed: of all networks
	Best        [2]float64    `json:"best"`     // score of each seed
	Spearman    float64       `json:"spearman"` // between the seeds
	Kendall     float64       `json:"kendall"`
	Floor       [2]float64    `json:"floor"` // regret of who sees all scores of a seed, by the other
	Runs        int           `json:"runs"`  // of each controller
	Evaluations []int         `json:"evaluations"`
	Controllers []*controller `json:"controllers"`
}

type quartiles struct {
	Low    float64 `json:"low"`
	Median float64 `json:"median"`
	High   float64 `json:"high"`
	Mean   float64 `json:"mean"`
}

// controller is the regret of one, after each number of evaluations.
type controller struct {
	Name   string      `json:"name"`
	Regret []quartiles `json:"regret"`
	Seen   []quartiles `json:"seen"`
}

func summary(w *tabular.World, list []searched, runs int) *report {
	r := &report{Networks: len(w.Scores), Runs: runs, Evaluations: evaluations}
	var of [2][]float64
	for seed := range of {
		for _, s := range w.Scores {
			of[seed] = append(of[seed], s[seed])
		}
		r.Scores[seed] = quarter(of[seed])
		best, other := w.Best(seed), w.Best(1-seed)
		r.Best[seed] = w.Scores[best][seed]
		r.Floor[seed] = w.Scores[other][1-seed] - w.Scores[best][1-seed]
	}
	r.Spearman, r.Kendall = tabular.Spearman(of[0], of[1]), tabular.Kendall(of[0], of[1])
	for _, name := range search.Controllers() {
		c := &controller{Name: name}
		for i := range evaluations {
			var regret, seen []float64
			for _, s := range list {
				if s.Controller == name && s.Run < runs {
					regret, seen = append(regret, s.Regret[i]), append(seen, s.Seen[i])
				}
			}
			c.Regret, c.Seen = append(c.Regret, quarter(regret)), append(c.Seen, quarter(seen))
		}
		r.Controllers = append(r.Controllers, c)
	}
	return r
}

// quarter gives the quartiles of values, between two of them in a line, and the mean.
func quarter(v []float64) quartiles {
	v = slices.Sorted(slices.Values(v))
	at := func(q float64) float64 {
		place := q * float64(len(v)-1)
		i := int(place)
		if i+1 == len(v) {
			return v[i]
		}
		return v[i] + float64((place-float64(i))*(v[i+1]-v[i]))
	}
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return quartiles{at(0.25), at(0.5), at(0.75), sum / float64(len(v))}
}

func (r *report) markdown() string {
	var b strings.Builder
	other := func(c *controller) []quartiles { return c.Regret }
	seen := func(c *controller) []quartiles { return c.Seen }
	middle := func(q quartiles) string {
		return fmt.Sprintf("%.0f (%.0f–%.0f)", 1e3*q.Median, 1e3*q.Low, 1e3*q.High)
	}
	mean := func(q quartiles) string { return fmt.Sprintf("%.0f", 1e3*q.Mean) }
	for _, t := range []struct {
		title string
		of    func(*controller) []quartiles
		cell  func(quartiles) string
	}{
		{"Regret by the scores of the other seed, thousandths, median (quartiles)", other, middle},
		{"The same, mean", other, mean},
		{"Regret by the scores that were seen, thousandths, median (quartiles)", seen, middle},
	} {
		fmt.Fprintf(&b, "%s of %d searches:\n\n| evaluations |", t.title, r.Runs)
		for _, n := range r.Evaluations {
			fmt.Fprintf(&b, " %d |", n)
		}
		fmt.Fprintf(&b, "\n|---|%s\n", strings.Repeat("---:|", len(r.Evaluations)))
		for _, c := range r.Controllers {
			fmt.Fprintf(&b, "| `%s` |", c.Name)
			for _, q := range t.of(c) {
				fmt.Fprintf(&b, " %s |", t.cell(q))
			}
			fmt.Fprintln(&b)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "%d networks; scores, median (quartiles) and best: %.3f (%.3f to %.3f), %.3f with one seed, %.3f (%.3f to %.3f), %.3f with the other.\n", r.Networks,
		r.Scores[0].Median, r.Scores[0].Low, r.Scores[0].High, r.Best[0], r.Scores[1].Median, r.Scores[1].Low, r.Scores[1].High, r.Best[1])
	fmt.Fprintf(&b, "Between the seeds Spearman's correlation is %.2f, Kendall's %.2f. Who sees all networks has a regret of %.0f and %.0f thousandths by the other seed.\n", r.Spearman, r.Kendall, 1e3*r.Floor[0], 1e3*r.Floor[1])
	return b.String()
}
