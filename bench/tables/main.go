//go:build unix

// Command tables makes the tables of error analysis for the scripts of bench.
//
//	tables pairs IOU           reads lines {"gt": …, "dt": …} and prints the tables of each as a line
//	tables time IOU GT DT N    evaluates two files N times without and with tables, and prints the CPU seconds of both
//	tables samples IOU GT DT   reads lists of image ids and prints the statistics of each such sample
//	tables bootstrap IOU GT A B N    compares two results files by N resamples, and prints the CPU seconds and the differences
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/spinemask/spinemask/analysis"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	usage := errors.New("usage: tables pairs IOU, tables time IOU GT DT N, tables samples IOU GT DT, or tables bootstrap IOU GT A B N")
	if len(args) < 2 {
		return usage
	}
	kind, err := cocoeval.ParseIoUType(args[1])
	if err != nil {
		return err
	}
	p := cocoeval.NewParams(kind, cocoeval.COCO)
	switch {
	case args[0] == "pairs" && len(args) == 2:
		return pairs(p)
	case args[0] == "time" && len(args) == 5:
		n, err := strconv.Atoi(args[4])
		if err != nil {
			return err
		}
		return clock(p, args[2], args[3], n)
	case args[0] == "samples" && len(args) == 4:
		return samples(p, args[2], args[3])
	case args[0] == "bootstrap" && len(args) == 6:
		n, err := strconv.Atoi(args[5])
		if err != nil {
			return err
		}
		return bootstrap(p, args[2], args[3], args[4], n)
	}
	return usage
}

// tables is everything that is made of a pair.
type tables struct {
	TIDE        *analysis.TIDE         `json:"tide"`
	TIDECV      *analysis.TIDE         `json:"tidecv,omitempty"`
	ClassFirst  *analysis.Confusion    `json:"class_first"`
	ScoreFirst  *analysis.Confusion    `json:"score_first,omitempty"`
	IoUFirst    *analysis.Confusion    `json:"iou_first,omitempty"`
	Thresholds  *analysis.Thresholds   `json:"thresholds"`
	Calibration *analysis.Calibration  `json:"calibration"`
	Images      []analysis.ImageCounts `json:"images"`
}

func evaluate(d *coco.Dataset, r *coco.Results, p cocoeval.Params) (*cocoeval.Evaluator, error) {
	e, err := cocoeval.New(d, p)
	if err != nil {
		return nil, err
	}
	if err := e.AddResults(r); err != nil {
		return nil, err
	}
	_, err = e.Evaluate()
	return e, err
}

// usual makes the tables of an evaluation that everybody looks at.
func usual(e *cocoeval.Evaluator) (*analysis.Analysis, *tables, error) {
	o, err := e.Outcomes()
	if err != nil {
		return nil, nil, err
	}
	a := analysis.New(o)
	score := a.Score()
	return a, &tables{
		TIDE: a.TIDE(), ClassFirst: a.Confusion(score, analysis.ClassFirst), Thresholds: a.Thresholds(1),
		Calibration: a.Calibration(10), Images: a.Images(score),
	}, nil
}

func pairs(p cocoeval.Params) error {
	p.MatchIoU = 0.5
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 {
			break
		}
		if err != nil {
			return err
		}
		var pair struct{ GT, DT json.RawMessage }
		if err := json.Unmarshal(line, &pair); err != nil {
			return err
		}
		d, err := coco.ParseDataset(pair.GT, "gt", p.IoU.Fields())
		if err != nil {
			return err
		}
		r, err := coco.ParseResults(pair.DT, "dt", p.IoU.Fields())
		if err != nil {
			return err
		}
		e, err := evaluate(d, r, p)
		if err != nil {
			return err
		}
		a, t, err := usual(e)
		if err != nil {
			return err
		}
		t.TIDECV = a.TIDECV()
		t.ScoreFirst, t.IoUFirst = a.Confusion(0, analysis.ScoreFirst), a.Confusion(0, analysis.IoUFirst)
		t.ClassFirst = a.Confusion(0, analysis.ClassFirst)
		b, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

// clock prints the CPU seconds of evaluations without and with tables, in turn.
func clock(p cocoeval.Params, gt, dt string, n int) error {
	d, err := coco.OpenDataset(gt, p.IoU.Fields())
	if err != nil {
		return err
	}
	r, err := coco.OpenResults(dt, p.IoU.Fields())
	if err != nil {
		return err
	}
	var times struct {
		Evaluation []float64 `json:"evaluation"`
		Tables     []float64 `json:"with_tables"`
	}
	for range n {
		for _, iou := range []float64{0, 0.5} {
			p.MatchIoU = iou
			runtime.GC()
			before := cpu()
			e, err := evaluate(d, r, p)
			if err != nil {
				return err
			}
			if iou == 0 {
				times.Evaluation = append(times.Evaluation, (cpu() - before).Seconds())
				continue
			}
			if _, _, err := usual(e); err != nil {
				return err
			}
			times.Tables = append(times.Tables, (cpu() - before).Seconds())
		}
	}
	return json.NewEncoder(os.Stdout).Encode(times)
}

// cpu is the processor time of the process until now.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(fmt.Errorf("getrusage: %w", err))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
