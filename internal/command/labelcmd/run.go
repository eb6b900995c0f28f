// Package labelcmd is the command that compares label images, or masks as panoptic maps: its flags and what it prints.
package labelcmd

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/labeleval"
)

// Options is what the flags say.
type Options struct {
	JSON     bool
	MinScore float64
}

// Flags adds the flags to fs.
func (o *Options) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&o.JSON, "json", false, "print JSON: all numbers in full precision, pooled, as means over images, and of each image")
	fs.Float64Var(&o.MinScore, "min-score", 0.5, "of COCO files: paint results of at least this `score`")
}

// Run compares two folders of label images, or a COCO data set with results, and prints the outcome to stdout, warnings to
// stderr. Nothing is printed to stdout if there is an error.
func Run(o *Options, truth, predicted string, stdout, stderr io.Writer) error {
	var out bytes.Buffer
	folder, err := isFolder(truth)
	if err != nil {
		return err
	}
	other, err := isFolder(predicted)
	switch {
	case err != nil:
		return err
	case folder != other:
		return fmt.Errorf("labels: %s and %s: want two folders of label images, or two COCO files", truth, predicted)
	case folder:
		err = runFolders(o, truth, predicted, &out, stderr)
	default:
		err = runCOCO(o, truth, predicted, &out, stderr)
	}
	if err != nil {
		return err
	}
	_, err = stdout.Write(out.Bytes())
	return err
}

func isFolder(path string) (bool, error) {
	st, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("labels: %w", err)
	}
	return st.IsDir(), nil
}

func runFolders(o *Options, truth, predicted string, out, stderr io.Writer) error {
	pairs, err := dataset.PairLabelImages(truth, predicted)
	if err != nil {
		return err
	}
	images := make([]labeleval.Scores, len(pairs))
	binary := make([]string, len(pairs)) // the file that looks like a binary mask
	err = each(len(pairs), func(i int) (err error) {
		images[i], binary[i], err = score(&pairs[i])
		return err
	})
	if err != nil {
		return err
	}
	warnOfBinary(stderr, binary)
	var pooled labeleval.Scores
	for i := range images {
		pooled.Add(&images[i])
	}
	if o.JSON {
		return writeJSON(out, pairs, images, &pooled)
	}
	return writeText(out, pairs, images, &pooled)
}

// each calls f with 0…n-1, on all processors, and gives the first error.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[i] = f(i); errs[i] != nil {
					failed.Store(true) // all before i were begun, so the first error is the same every time
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// score compares a pair of files.
func score(p *dataset.LabelImagePair) (s labeleval.Scores, binary string, err error) {
	var images [2]*dataset.LabelImage
	for k, file := range []string{p.True, p.Predicted} {
		if images[k], err = dataset.ReadLabelImage(file); err != nil {
			return s, "", fmt.Errorf("labels: %s: %w", file, err)
		}
	}
	t, q := images[0], images[1]
	if t.Height != q.Height || t.Width != q.Width {
		return s, "", fmt.Errorf("labels: %s has %d×%d pixels (width × height), %s %d×%d", p.True, t.Width, t.Height, p.Predicted, q.Width, q.Height)
	}
	o, err := labeleval.Count(t.Values, q.Values)
	if err != nil {
		return s, "", err
	}
	switch {
	case len(o.True) == 1 && t.Parts() > 1:
		binary = p.True
	case len(o.Predicted) == 1 && q.Parts() > 1:
		binary = p.Predicted
	}
	return labeleval.Score(o), binary, nil
}

func warnOfBinary(stderr io.Writer, files []string) {
	first, n := "", 0
	for _, f := range files {
		if f != "" {
			if n++; n == 1 {
				first = f
			}
		}
	}
	if n > 0 {
		fmt.Fprintf(stderr, "cocoeval: warning: %d pairs with an image whose only value above 0 has separate parts, which are taken for one object; a label image has a value for each: %s [binary-mask]\n", n, first)
	}
}
