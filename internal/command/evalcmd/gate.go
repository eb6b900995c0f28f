package evalcmd

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/internal/command/analysisreport"
)

// A condition is what --fail-if says: a number, an operator and a limit.
type condition struct {
	text, name, op string
	limit          float64
}

var conditionText = regexp.MustCompile(`^\s*([A-Za-z][\w.@-]*?)\s*(<=|>=|<|>)\s*(\S+)\s*$`)

func parseCondition(text string) (c condition, err error) {
	m := conditionText.FindStringSubmatch(text)
	if m == nil {
		return c, usage("--fail-if %q, want a number's name, one of < <= > >= and a limit, such as AP<0.37", text)
	}
	c = condition{text: strings.TrimSpace(text), name: m[1], op: m[2]}
	if c.limit, err = number(m[3]); err != nil {
		return c, usage("--fail-if %q: %q is no number", text, m[3])
	}
	return c, nil
}

func (c *condition) holds(v float64) bool {
	switch c.op {
	case "<":
		return v < c.limit
	case "<=":
		return v <= c.limit
	case ">":
		return v > c.limit
	}
	return v >= c.limit
}

// failed tells which of the conditions hold, or that one cannot be judged.
func (a *analyser) failed() (failed, err error) {
	if len(a.conditions) == 0 {
		return nil, nil
	}
	values := numbers(&a.report)
	var hold []string
	for _, c := range a.conditions {
		v, ok := values[c.name]
		if !ok {
			return nil, usage("--fail-if %q: no number has the name %s; there are %s", c.text, c.name, strings.Join(names(values), ", "))
		}
		if math.IsNaN(v) {
			return fmt.Errorf("--fail-if %q: %s has no value here, because nothing counts that it is made of", c.text, c.name), nil
		}
		if c.holds(v) {
			hold = append(hold, fmt.Sprintf("%s (%s is %.6g)", c.text, c.name, v))
		}
	}
	if hold == nil {
		return nil, nil
	}
	return fmt.Errorf("%w: %s", errHolds, strings.Join(hold, ", ")), nil
}

// numbers are those that conditions can name: of the last model, of both with A. and B. before the name, and of their
// difference with B-A. before it. One without a value is NaN.
func numbers(r *analysisreport.Report) map[string]float64 {
	values := map[string]float64{}
	for i, m := range r.Models {
		own := modelNumbers(m)
		for name, v := range own {
			values[name] = v // the last one's stay
			if len(r.Models) > 1 {
				values[string(rune('A'+i))+"."+name] = v
			}
		}
	}
	if c := r.Comparison; c != nil {
		for _, d := range c.Stats {
			values["B-A."+d.Name] = valued(d.Delta, d.A != -1 && d.B != -1)
		}
		if c.Bootstrap != nil {
			for _, d := range c.Bootstrap.Stats {
				for name, v := range map[string]float64{".lo": d.Low, ".hi": d.High, ".p": d.P} {
					values["B-A."+d.Name+name] = valued(v, d.Resamples > 0)
				}
			}
		}
	}
	return values
}

func modelNumbers(m *analysisreport.Model) map[string]float64 {
	values := map[string]float64{"score": m.Score, "precision": m.At[0].Precision, "recall": m.At[0].Recall, "f1": m.At[0].F, "classes.unfound": float64(len(m.Unfound))}
	for _, s := range m.Stats {
		values[s.Name] = valued(s.Value, s.Value != -1)
	}
	tide := func(prefix string, t *analysis.TIDE) {
		if t == nil {
			return
		}
		for _, e := range t.Errors {
			values[prefix+e.Type], values[prefix+e.Type+".count"] = valued(e.DeltaAP, t.Classes > 0), float64(e.Count)
		}
		values[prefix+"FalsePos"], values[prefix+"FalseNeg"] = valued(t.FalsePositives, t.Classes > 0), valued(t.FalseNegatives, t.Classes > 0)
	}
	tide("tide.", m.TIDE)
	tide("tidecv.", m.TIDECV)
	if c := m.Calibration; c != nil {
		values["ece"], values["mce"] = valued(c.ECE, c.Detections > 0), valued(c.MCE, c.Detections > 0)
	}
	return values
}

// valued is v, or NaN where it says nothing.
func valued(v float64, says bool) float64 {
	if !says {
		return math.NaN()
	}
	return v
}

// names lists the names of values, without those of which the reader can guess the rest.
func names(values map[string]float64) (list []string) {
	for name := range values {
		if !strings.HasPrefix(name, "A.") && !strings.HasPrefix(name, "B.") {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}
