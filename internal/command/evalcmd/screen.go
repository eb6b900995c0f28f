package evalcmd

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/internal/command/analysisreport"
)

// shownLines is how many lines of a list are on the screen.
const shownLines = 5

// writeScreen prints what to fix first, and the numbers that say so.
func writeScreen(out io.Writer, r *analysisreport.Report) error {
	var b bytes.Buffer
	if r.Comparison != nil {
		writeComparison(&b, r)
	}
	m := r.Models[len(r.Models)-1]
	fmt.Fprintf(&b, "%s on %s: %s, matched from an IoU of %g\n", m.Results, r.Truth, r.IoU, r.MatchIoU)
	for _, name := range []string{"AP", "AP50", "AP75"} {
		if v, ok := m.Stats.Get(name); ok && v != -1 { // without a value
			fmt.Fprintf(&b, "%s %.3f  ", name, v)
		}
	}
	fmt.Fprintf(&b, "%d images, %d annotations, %d detections\n", m.Images, m.Annotations, m.Detections)
	if advice := m.Advice(); len(advice) > 0 {
		fmt.Fprintln(&b, "\nWhat to fix first")
		for i, s := range advice {
			fmt.Fprintf(&b, " %d. %s\n", i+1, s)
		}
	}
	writeScores(&b, m)
	for _, t := range []*analysis.TIDE{m.TIDE, m.TIDECV} {
		if t != nil {
			writeTIDE(&b, t)
		}
	}
	if c := m.Calibration; c != nil {
		fmt.Fprintf(&b, "\nCalibration  ECE %.4f  MCE %.4f of %d detections in 10 bins of equal width\n", c.ECE, c.MCE, c.Detections)
		if m.DetectionECE != nil {
			fmt.Fprintf(&b, "D-ECE %.4f over score, place and size\n", *m.DetectionECE)
		}
	}
	if list := m.Confusions(); len(list) > 0 {
		fmt.Fprintf(&b, "\nConfusions at scores from %.4g\n", m.Score)
		w := table(&b)
		for _, c := range list[:min(len(list), shownLines)] {
			fmt.Fprintf(w, "%d\t %s taken for %s\n", c.Count, c.Truth, c.Detected)
		}
		w.Flush()
	}
	writeImages(&b, m)
	_, err := out.Write(b.Bytes())
	return err
}

func table(b *bytes.Buffer) *tabwriter.Writer {
	return tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
}

func writeScores(b *bytes.Buffer, m *analysisreport.Model) {
	fmt.Fprintln(b)
	w := table(b)
	fmt.Fprint(w, "scores from\tprecision\trecall\tF1\tright\twrong\tmissed\t\n")
	for _, o := range m.At {
		fmt.Fprintf(w, "%.4g\t%.3f\t%.3f\t%.3f\t%d\t%d\t%d\t\n", o.Threshold, o.Precision, o.Recall, o.F, o.TP, o.FP, o.FN)
	}
	w.Flush()
}

func writeTIDE(b *bytes.Buffer, t *analysis.TIDE) {
	w := table(b)
	fmt.Fprintf(b, "\nErrors by TIDE (%s) and what AP at an IoU of %g, which is %.3f, would gain without them\n", t.Rule, t.IoU, t.AP)
	for _, e := range t.Errors {
		fmt.Fprintf(w, "%s\t", e.Type)
	}
	fmt.Fprint(w, "all wrong\tall missed\t\n")
	for _, e := range t.Errors {
		fmt.Fprintf(w, "%.3f\t", e.DeltaAP)
	}
	fmt.Fprintf(w, "%.3f\t%.3f\t\n", t.FalsePositives, t.FalseNegatives)
	for _, e := range t.Errors {
		fmt.Fprintf(w, "%d\t", e.Count)
	}
	fmt.Fprint(w, "\t\t\n")
	w.Flush()
}

func writeImages(b *bytes.Buffer, m *analysisreport.Model) {
	w := table(b)
	for i, x := range m.PerImage {
		if i == shownLines || x.FP+x.FN == 0 {
			break
		}
		if i == 0 {
			fmt.Fprintf(b, "\nImages with most mistakes at scores from %.4g\n", m.Score)
			fmt.Fprint(w, "right\twrong\tmissed\t\n")
		}
		name := x.File
		if name == "" {
			name = fmt.Sprint("image ", x.ID)
		}
		fmt.Fprintf(w, "%d\t%d\t%d\t  %s\n", x.TP, x.FP, x.FN, name)
	}
	w.Flush()
}

func writeComparison(b *bytes.Buffer, r *analysisreport.Report) {
	fmt.Fprintf(b, "A %s\nB %s\n", r.Models[0].Results, r.Models[1].Results)
	w := table(b)
	boot := r.Comparison.Bootstrap
	fmt.Fprint(w, "\tA\tB\tB-A\t")
	if boot != nil {
		fmt.Fprintf(w, "%g %% of resamples\tnot this sign\t", 100*boot.Confidence)
	}
	fmt.Fprintln(w)
	for i, d := range r.Comparison.Stats {
		if d.A == -1 && d.B == -1 {
			continue
		}
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%+.3f\t", d.Name, d.A, d.B, d.Delta)
		if boot != nil {
			x := &boot.Stats[i]
			fmt.Fprintf(w, "%+.3f to %+.3f\t%.3f\t", x.Low, x.High, x.P)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	if boot != nil {
		fmt.Fprintf(b, "%d resamples of %d images, seed %d\n", boot.Resamples, boot.Images, boot.Seed)
	}
	fmt.Fprintln(b)
}
