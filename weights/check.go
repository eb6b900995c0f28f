package weights

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Want is a tensor that a graph needs.
type Want struct {
	Name  string
	Shape []int
}

// LoadError lists everything that is wrong with a file.
type LoadError struct {
	File     string
	Problems []string // one for each tensor at fault, in order of their names
}

func (e *LoadError) Error() string {
	s := fmt.Sprintf("weights: %s: %d problems", e.File, len(e.Problems))
	if len(e.Problems) == 1 {
		s = fmt.Sprintf("weights: %s: 1 problem", e.File)
	}
	list := e.Problems
	if len(list) > maxPrinted {
		list = append(slices.Clone(list[:maxPrinted]), fmt.Sprintf("and %d more", len(list)-maxPrinted))
	}
	return s + ":\n  " + strings.Join(list, "\n  ")
}

const maxPrinted = 40 // problems in the text of an error

// loadError returns all problems as an error, nil if there are none.
func loadError(file string, problems ...[]string) error {
	all := slices.Concat(problems...)
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return &LoadError{File: file, Problems: slices.Compact(all)}
}

// Check compares a file with what a graph needs: every tensor is there in its shape, none is left over, and all values
// are finite. The error is a *LoadError that lists all missing, unexpected, mismatched and non-finite tensors, and all
// names in the file that have no place.
func Check(f *File, want []Want) error {
	shapes := make(map[string][]int, len(want))
	problems := map[string]string{}
	var scan []Tensor
	for _, w := range want {
		shapes[w.Name] = w.Shape
		switch t, ok := f.Tensor(w.Name); {
		case !ok:
			problems[w.Name] = fmt.Sprintf("missing, want shape %v", w.Shape)
		case !slices.Equal(t.Shape, w.Shape):
			problems[w.Name] = fmt.Sprintf("shape %v, want %v", t.Shape, w.Shape)
		case !t.dtype.Float():
			problems[w.Name] = fmt.Sprintf("element type %s, want %s", t.dtype, floatTypes)
		default:
			scan = append(scan, t)
		}
	}
	for _, t := range f.tensors {
		if _, ok := shapes[t.Name]; !ok {
			problems[t.Name] = fmt.Sprintf("unexpected, shape %v", t.Shape)
		}
	}
	f.nonFinite(scan, problems)
	var list []string
	for name, p := range problems {
		if from := f.from[name]; from != "" {
			name += " (" + from + ")"
		}
		list = append(list, name+": "+p)
	}
	return loadError(f.name, list, f.problems)
}

// nonFinite looks at all values, on all processors, and adds a problem for each tensor with a NaN or an infinity.
func (f *File) nonFinite(tensors []Tensor, problems map[string]string) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := make(chan Tensor)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for t := range next {
				ok, err := t.finite()
				f.Release(t.Name)
				if err != nil || !ok {
					mu.Lock()
					problems[t.Name] = "holds NaN or infinite values"
					if err != nil {
						problems[t.Name] = err.Error()
					}
					mu.Unlock()
				}
			}
		})
	}
	for _, t := range tensors {
		next <- t
	}
	close(next)
	wg.Wait()
}
