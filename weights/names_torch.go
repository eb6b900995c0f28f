package weights

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
)

// A state dictionary of PyTorch has convolutions [out, in, kh, kw], deconvolutions [in, out, kh, kw] and dense layers
// [out, in], whose inputs are flattened (channel, y, x). Boxes are x before y: deltas are dx, dy, dw, dh, ours dy, dx,
// dh, dw.

// torchLayers are the variables of a state dictionary by module and leaf: weight, bias, running_mean, running_var.
type torchLayers map[string]map[string]Tensor

// torchState finds the state dictionary in a file by a piece of name that each one has: it may lie under keys of a larger
// checkpoint ("state_dict/…") and in the wrapper of parallel training ("module.…"). Of several, say with averaged weights
// beside the others, one that is not averaged and has the fewest keys before its names is taken.
func torchState(tr *translation, vars []Tensor, marker string) torchLayers {
	for _, v := range vars {
		if i := strings.Index(v.Name, marker); i >= 0 && (i == 0 || strings.ContainsRune("/.", rune(v.Name[i-1]))) {
			tr.sets = append(tr.sets, v.Name[:i])
		}
	}
	slices.SortFunc(tr.sets, func(a, b string) int {
		return cmp.Or(
			averaged(a)-averaged(b),
			strings.Count(a, "/")-strings.Count(b, "/"),
			len(a)-len(b),
			strings.Compare(a, b),
		)
	})
	prefix := ""
	if len(tr.sets) > 0 {
		prefix = tr.sets[0]
	}
	layers := torchLayers{}
	for _, v := range vars {
		name, ok := strings.CutPrefix(v.Name, prefix)
		if !ok || notWeight(name) {
			if v.opaque == "" {
				tr.ignored = append(tr.ignored, v.Name)
			}
			continue
		}
		module, leaf := "", name
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			module, leaf = name[:i], name[i+1:]
		}
		if layers[module] == nil {
			layers[module] = map[string]Tensor{}
		}
		layers[module][leaf] = v
	}
	return layers
}

// averaged is 1 where a word of a way to a state dictionary says that its weights are averages over the training.
func averaged(way string) int {
	for word := range strings.FieldsFuncSeq(strings.ToLower(way), func(r rune) bool { return strings.ContainsRune("/._", r) }) {
		switch word {
		case "ema", "avg", "average", "averaged", "swa", "teacher":
			return 1
		}
	}
	return 0
}

// notWeight reports whether a name in a state dictionary belongs to training: what lies in containers, counters, and the
// averages that mmdetection 2.x keeps beside the weights (mmcv: EMAHook, "ema_" and the name with "_" for ".").
func notWeight(name string) bool {
	return strings.Contains(name, "/") || strings.HasSuffix(name, "num_batches_tracked") || strings.HasPrefix(name, "ema_")
}

// kernel returns the weight of a module.
func (l torchLayers) kernel(format string, args ...any) (Tensor, bool) {
	t, ok := l[fmt.Sprintf(format, args...)]["weight"]
	return t, ok
}

// torchPlace is where a module stands in our graph.
type torchPlace struct {
	place   string
	flatten int   // channels of the map that a dense layer flattens; 0: its input is flat already
	last    []int // order of the output channels, see view.last; nil: ours
}

// addTorch translates the variables of a module.
func (tr *translation) addTorch(vars map[string]Tensor, p torchPlace) {
	_, norm := vars["running_mean"]
	if module, missing := statistics(vars); missing != "" {
		tr.norms = append(tr.norms, module+" has no "+missing)
		return
	}
	for _, leaf := range sortedKeys(vars) {
		v := vars[leaf]
		if v.opaque != "" {
			if leaf == "weight" || leaf == "bias" || strings.HasPrefix(leaf, "running_") {
				tr.problems = append(tr.problems, fmt.Sprintf("%s: made by %q, which is not read; want a tensor of floats", v.Name, v.opaque))
			}
			continue
		}
		native := map[string]string{"weight": "kernel", "bias": "bias"}[leaf]
		if norm {
			native = map[string]string{"weight": "norm/gamma", "bias": "norm/beta", "running_mean": "norm/mean", "running_var": "norm/variance"}[leaf]
		} else if leaf == "weight" {
			var err error
			if v, err = v.fromTorch(p.flatten); err != nil {
				tr.problems = append(tr.problems, err.Error())
				continue
			}
		}
		if native == "" {
			tr.unexpected(v)
			continue
		}
		if p.last != nil {
			if n := len(v.Shape); n == 0 || v.Shape[n-1] == 0 || len(p.last) == 0 || slices.Max(p.last) >= v.Shape[n-1] {
				tr.problems = append(tr.problems, fmt.Sprintf("%s: shape %v, want an output for each of %d", v.Name, v.Shape, max(1, len(p.last))))
				continue
			}
			v = v.reordered(p.last)
		}
		tr.add(v, path.Join(p.place, native))
	}
}

// statistics says which ones a batch norm lacks; other modules lack none.
func statistics(vars map[string]Tensor) (module, missing string) {
	weight, ok := vars["weight"]
	_, mean := vars["running_mean"]
	_, variance := vars["running_var"]
	module = strings.TrimSuffix(weight.Name, ".weight")
	switch {
	case !ok || weight.opaque != "" || mean && variance:
	case mean:
		return module, "running variance"
	case variance:
		return module, "running mean"
	case len(weight.Shape) == 1: // convolutions have four dimensions, dense layers two
		return module, "running mean and variance"
	}
	return module, ""
}

// fromTorch rearranges a kernel: [out, in, kh, kw] to [kh, kw, in, out], and [in, out, kh, kw] to [kh, kw, out, in];
// [out, in] to [in, out], where inputs flattened (channel, y, x) become (y, x, channel).
func (t Tensor) fromTorch(flatten int) (Tensor, error) {
	switch {
	case len(t.Shape) == 4:
		return t.permuted(2, 3, 1, 0), nil
	case len(t.Shape) == 2 && flatten == 0:
		return t.permuted(1, 0), nil
	case len(t.Shape) == 2:
		in, out := t.Shape[1], t.Shape[0]
		side := int(math.Round(math.Sqrt(float64(in) / float64(flatten))))
		if side*side*flatten != in {
			return t, fmt.Errorf("%s: shape %v: %d inputs are not a square of %d channels", t.Name, t.Shape, in, flatten)
		}
		return t.split(1, flatten, side, side).permuted(2, 3, 1, 0).shaped(in, out), nil
	}
	return t, fmt.Errorf("%s: shape %v, want 2 or 4 dimensions", t.Name, t.Shape)
}

// outputs is the number of output channels of a module. A weight without elements has none: its first dimension may be any number, which no data bound, and tables
// are made of it.
func (l torchLayers) outputs(module string) int {
	if t, ok := l[module]["weight"]; ok && len(t.Shape) > 0 && t.Len() > 0 {
		return t.Shape[0]
	}
	return 0
}

// swapped is the order that turns n/4 groups of dx, dy, dw, dh into dy, dx, dh, dw. A number of outputs that is not a
// multiple of four is rounded up, for addTorch to complain about.
func swapped(n int) []int {
	last := make([]int, max(4, (n+3)/4*4))
	for i := range last {
		last[i] = i ^ 1
	}
	return last
}

// numbers returns the distinct numbers of the modules that match, sorted.
func (l torchLayers) numbers(match func(module string) (int, bool)) []int {
	var list []int
	for module := range l {
		if n, ok := match(module); ok {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
