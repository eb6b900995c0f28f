package labelcmd

import (
	"encoding/json"
	"io"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/labeleval"
)

// ratios are the numbers of a match, under stardist's names.
type ratios struct {
	IoU         float64 `json:"iou"` // the threshold
	Precision   float64 `json:"precision"`
	Recall      float64 `json:"recall"`
	F1          float64 `json:"f1"`
	Accuracy    float64 `json:"accuracy"`
	MeanMatched float64 `json:"mean_matched_score"`
	MeanTrue    float64 `json:"mean_true_score"`
	Panoptic    float64 `json:"panoptic_quality"`
}

type counts struct {
	TP int `json:"tp"`
	FP int `json:"fp"`
	FN int `json:"fn"`
	ratios
}

func ratiosOf(i int, mean func(number func(labeleval.Match) float64) float64) ratios {
	return ratios{
		labeleval.Thresholds[i], mean(labeleval.Match.Precision), mean(labeleval.Match.Recall), mean(labeleval.Match.F1), mean(labeleval.Match.Accuracy),
		mean(labeleval.Match.MeanMatched), mean(labeleval.Match.MeanTrue), mean(labeleval.Match.Panoptic),
	}
}

// quality is that of panoptic segmentation.
type quality struct {
	PQ float64 `json:"pq"`
	SQ float64 `json:"sq"`
	RQ float64 `json:"rq"`
}

func qualityOf(m labeleval.Match) quality { return quality{m.Panoptic(), m.MeanMatched(), m.F1()} }

// numbers are those of an image, or of all as one.
type numbers struct {
	Name        string    `json:"name,omitempty"` // of an image
	True        int       `json:"true"`
	Predicted   int       `json:"predicted"`
	CountError  int       `json:"count_error"`
	At          []counts  `json:"matching"`                    // IoU ≥ threshold
	DSB         *float64  `json:"dsb,omitempty"`               // of an image
	DSBAt       []float64 `json:"dsb_per_threshold,omitempty"` // of an image
	Quality     quality   `json:"panoptic"`                    // IoU > 0.5
	AJI         float64   `json:"aji"`
	CellposeAJI float64   `json:"aji_cellpose"`
	Splits      int       `json:"splits"`
	Merges      int       `json:"merges"`
}

func numbersOf(s *labeleval.Scores) numbers {
	n := numbers{
		True: s.True, Predicted: s.Predicted, CountError: countError(s), Quality: qualityOf(s.Above[0]),
		AJI: aji(s), CellposeAJI: cellposeAJI(s), Splits: s.Splits, Merges: s.Merges,
	}
	for i, m := range s.At {
		n.At = append(n.At, counts{m.TP, m.FP, m.FN, ratiosOf(i, func(number func(labeleval.Match) float64) float64 { return number(m) })})
	}
	return n
}

// means are those over images.
type means struct {
	AbsCountError float64   `json:"abs_count_error"`
	At            []ratios  `json:"matching"`
	DSB           float64   `json:"dsb"`
	DSBAt         []float64 `json:"dsb_per_threshold"`
	Quality       quality   `json:"panoptic"`
	AJI           float64   `json:"aji"`
	CellposeAJI   float64   `json:"aji_cellpose"`
}

func meansOf(images []labeleval.Scores) means {
	mean := func(number func(*labeleval.Scores) float64) float64 { return labeleval.Mean(images, number) }
	m := means{
		AbsCountError: mean(absCountError), DSB: mean((*labeleval.Scores).DSB), AJI: mean(aji), CellposeAJI: mean(cellposeAJI),
		Quality: quality{
			mean(func(s *labeleval.Scores) float64 { return s.Above[0].Panoptic() }),
			mean(func(s *labeleval.Scores) float64 { return s.Above[0].MeanMatched() }),
			mean(func(s *labeleval.Scores) float64 { return s.Above[0].F1() }),
		},
	}
	for i := range labeleval.Thresholds {
		m.At = append(m.At, ratiosOf(i, func(number func(labeleval.Match) float64) float64 {
			return mean(func(s *labeleval.Scores) float64 { return number(s.At[i]) })
		}))
		m.DSBAt = append(m.DSBAt, mean(func(s *labeleval.Scores) float64 { return s.DSBAt(i) }))
	}
	return m
}

func writeJSON(out io.Writer, pairs []dataset.LabelImagePair, images []labeleval.Scores, pooled *labeleval.Scores) error {
	doc := struct {
		Images   int       `json:"images"`
		Pooled   numbers   `json:"pooled"`
		Mean     means     `json:"mean"`
		PerImage []numbers `json:"per_image"`
	}{Images: len(images), Pooled: numbersOf(pooled), Mean: meansOf(images)}
	for i := range images {
		n := numbersOf(&images[i])
		dsb := images[i].DSB()
		n.Name, n.DSB = pairs[i].Name, &dsb
		for k := range labeleval.Thresholds {
			n.DSBAt = append(n.DSBAt, images[i].DSBAt(k))
		}
		doc.PerImage = append(doc.PerImage, n)
	}
	return encode(out, doc)
}

func encode(out io.Writer, doc any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}
