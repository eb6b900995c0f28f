package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spinemask/spinemask/train"
)

// trainInterval collects steps between two lines.
type trainInterval struct {
	steps        int
	took, waited time.Duration
	sums         train.Losses
	said         time.Time
}

func (i *trainInterval) add(p train.Progress) {
	if i.sums == nil {
		i.sums = train.Losses{}
		if i.said.IsZero() {
			i.said = time.Now()
		}
	}
	i.steps++
	i.took += p.Took
	i.waited += p.Waited
	for name, v := range p.Losses {
		i.sums[name] += v
	}
}

// lossNames are the parts of the loss in the order of the network, and what they are
// called in lines and charts.
var lossNames = [][2]string{
	{"rpn_score_loss", "rpn"}, {"rpn_box_loss", "rpn box"}, {"frcnn_cls_loss", "class"}, {"frcnn_box_loss", "box"}, {"mask_loss", "mask"},
	{"cls_loss", "class"}, {"box_loss", "box"}, {"regularization_loss", "decay"},
}

// say prints the means since the last line. before stands in front of it; rest is the time that
// validations and folds to come will take.
func (i *trainInterval) say(t *talk, before string, p train.Progress, r *train.Recipe, images int, rest time.Duration) {
	n := float64(i.steps)
	each := i.took / time.Duration(i.steps)
	var parts []string
	for _, l := range lossNames {
		if v, ok := i.sums[l[0]]; ok {
			parts = append(parts, fmt.Sprintf("%s %.3f", l[1], v/n))
		}
	}
	t.say("%sstep %d of %d, epoch %.1f: loss %.3f (%s), lr %.2g, %.1f images/s, %.0f %% waiting for data, %s left", before, p.Step, r.Steps,
		float64(p.Step*r.Batch)/float64(images), i.sums["total_loss"]/n, strings.Join(parts, ", "), p.Rate,
		float64(r.Batch)/each.Seconds(), 100*i.waited.Seconds()/i.took.Seconds(), roundTime(each*time.Duration(r.Steps-p.Step)+rest))
	*i = trainInterval{said: time.Now()}
}

// number writes a number in its shortest form.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
