package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sys/cpu"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/video"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/weights"
)

func newInfo(t *talk) *cobra.Command {
	var model, plan, draw, table string
	var asConfig bool
	var options spinemask.Options
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Say what a model is, what it costs, and how this machine runs it",
		Long: `Say what a model is, what it costs in parameters and multiply-adds, and how this
machine runs it. Without --model it is the built-in one.

What a foreign file does not tell is assumed, and said, with the flag that changes
it. --config prints all values; convert --config, and --model-config of the other
commands, take an edited copy.`,
		Example: `  spinemask info
  spinemask info -m epoch_12.pth --names train.json
  spinemask info -m epoch_12.pth --config > edited.json
  spinemask info --plan=640x480`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return hinted{fmt.Errorf("info: unexpected %q", args[0]), "flags are written --model=FILE, --plan=640x480"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if table != "" {
				if err := withoutFile(cmd.Flags(), modelConfig, besideTable); err != nil {
					return err
				}
				c, err := permuted(table)
				if err != nil {
					return err
				}
				return writeNetwork(cmd.OutOrStdout(), c, draw, plan, asConfig)
			}
			m, err := openModel(t, model, &options)
			if err != nil {
				return err
			}
			defer m.Close()
			w := cmd.OutOrStdout()
			if draw != "" {
				if err := notOver(draw, m.Source().Files...); err != nil {
					return err
				}
				return drawNetwork(draw, m.Config())
			}
			if plan != "" {
				return writePlan(w, m, plan)
			}
			if asConfig {
				e := json.NewEncoder(w)
				e.SetIndent("", "  ")
				return e.Encode(m.Config())
			}
			if err := writeInfo(w, m); err != nil || model != "" {
				return err
			}
			_, err = fmt.Fprintf(w, "\n%s", readable(nuclei.Card))
			return err
		},
	}
	cmd.Flags().StringVarP(&model, "model", "m", "", "model `file` (default: the built-in model for cell nuclei)")
	cmd.Flags().BoolVar(&asConfig, "config", false, "print the model's config, JSON")
	cmd.Flags().StringVar(&plan, "plan", "", "print the steps that compute an image of this `size`, such as 640x480 (width x height)")
	cmd.Flags().Lookup("plan").NoOptDefVal = ownSize
	cmd.Flags().StringVar(&draw, "draw", "", "draw the network, levels upwards and a line from each block to those that it feeds, to this SVG `file`")
	cmd.Flags().StringVar(&table, "block-table", "", blockTableHelp)
	weightFlags(cmd, &options.Weights, modelConfig)
	cmd.MarkFlagsMutuallyExclusive("model", "block-table")
	cmd.MarkFlagsMutuallyExclusive("config", "plan", "draw")
	return cmd
}

// ownSize, as --plan, is the size of the model's input, for an ordinary photo where it follows the photo.
const ownSize = "model"

// The most common size of a photo of COCO.
const photoHeight, photoWidth = 480, 640

// writePlan prints the steps of the program for an image of a size.
func writePlan(w io.Writer, m *spinemask.Model, size string) error {
	height, width := photoHeight, photoWidth
	if size != ownSize {
		if n, err := fmt.Sscanf(strings.ToLower(size)+" ", "%dx%d ", &width, &height); n != 2 || err != nil || width < 1 || height < 1 {
			return hinted{fmt.Errorf("--plan %q: want a size", size), "--plan=640x480 is an image 640 pixels wide"}
		}
	}
	plan, err := m.Plan(height, width)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, plan)
	return err
}

// readable leaves out of a Markdown text what is for machines.
func readable(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "<!--") && !strings.HasPrefix(line, "|---") {
			out.WriteString(line)
		}
	}
	return out.String()
}

func writeInfo(w io.Writer, m *spinemask.Model) error {
	c := m.Config()
	sum, err := m.SHA256()
	if err != nil {
		return err
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(tab, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("model", "%s (%s)", c.Name, m.Source().Name)
	row("kind", "%s", kindNames[c.Model])
	if c.Model.Detects() {
		row("finds", "%s", classNames(c))
	} else {
		row("classes", "%s", classNames(c))
	}
	row("input", "%s", inputOf(&c.Input))
	if c.Boxes.Written() == config.BoxCodingPlusOne {
		row("boxes", "corners are the outermost pixels; sides are written one longer, as mmdetection 1.x writes them")
	}
	var p weights.Provenance
	if json.Unmarshal([]byte(m.Source().Provenance), &p) == nil && p.Source != "" {
		row("made from", "%s", p.Source)
		if p.Licence != "" {
			row("licence", "%s", p.Licence)
		}
	}
	row("sha256", "%s", sum)
	if c.Model.Detects() {
		row("detections", "score from %g, at most %d of an image; shown from %.3g", c.Detections.ScoreThreshold, c.Detections.Max, c.Detections.DisplayThreshold)
	}
	row("weights", "%.1f MB in memory, %.1f MB more for Winograd from the first photo on", float64(m.WeightBytes())/1e6, float64(m.WinogradBytes())/1e6)
	row("processor", "%s with %s, %d threads", runtime.GOARCH, cpuFeatures(), runtime.GOMAXPROCS(0))
	row("kernels", "%s of %s (SPINEMASK_CPU chooses)", kernels.Best().Name, kernelNames())
	row("fast", "%s", fastHere())
	row("videos", "%s", videoBackends())
	if err := tab.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return writeStages(w, c)
}

// fastHere says whether --fast makes a difference: the processor may lack tiles of bfloat16, or the system keep them back.
func fastHere() string {
	if kernels.Best().HasSplit() {
		return "--fast has tiles of bfloat16 here"
	}
	return "--fast changes nothing here: no tiles of bfloat16"
}

// kindNames are the kinds of networks for people.
var kindNames = map[config.Model]string{
	config.ModelMaskRCNN:       "Mask R-CNN: instances with boxes and masks",
	config.ModelRetinaNet:      "RetinaNet: instances with boxes, without masks",
	config.ModelClassification: "classification: a class for a whole image",
}

func classNames(c *config.Config) string {
	var names []string
	for _, k := range c.Categories {
		if k.Name != "" {
			names = append(names, k.Name)
		}
	}
	if len(names) > 12 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:10], ", "), len(names)-10)
	}
	return strings.Join(names, ", ")
}

// cpuFeatures lists what the kernels look for.
func cpuFeatures() string {
	var names []string
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"avx2", cpu.X86.HasAVX2}, {"fma", cpu.X86.HasFMA}, {"avx512f", cpu.X86.HasAVX512F}, {"avx512dq", cpu.X86.HasAVX512DQ},
		{"avx512vl", cpu.X86.HasAVX512VL}, {"amx_bf16", cpu.X86.HasAMXBF16}, {"asimd", cpu.ARM64.HasASIMD},
	} {
		if f.has {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return "no vector units that are used"
	}
	return strings.Join(names, " ")
}

// videoBackends says what reads and writes videos.
func videoBackends() string {
	var list []string
	for _, b := range video.Backends() {
		list = append(list, b.About)
	}
	if _, err := video.Find(video.OpenCV); err != nil {
		list = append(list, "no OpenCV (-tags gocv builds it in)")
	}
	if _, err := video.Find(video.FFmpeg); err != nil {
		list = append(list, "no ffmpeg in PATH")
	}
	return strings.Join(list, "; ")
}

func kernelNames() string {
	var names []string
	for _, s := range kernels.Sets() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// writeStages prints the table of what the parts of the network cost on an ordinary photo.
func writeStages(w io.Writer, c *config.Config) error {
	n, err := network.Build(c)
	if err != nil {
		return err
	}
	g, err := preprocess.Fit(&c.Input, photoHeight, photoWidth)
	if err != nil {
		return err
	}
	parts := n.Parts(c, g.InputHeight, g.InputWidth, c.RPN.PostNMS, c.Detections.Max)
	total, err := network.Count(parts)
	if err != nil {
		return err
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	about := fmt.Sprintf("%dx%d", g.InputHeight, g.InputWidth)
	if c.Model == config.ModelMaskRCNN {
		about += fmt.Sprintf(", %d proposals, %d detections", c.RPN.PostNMS, c.Detections.Max)
	}
	fmt.Fprintf(tab, "parameters\tmultiply-adds\t\t  %s\n", about)
	for _, p := range parts {
		counts, err := p.Graph.Counts(p.Height, p.Width, p.Rows)
		if err != nil {
			return err
		}
		for _, s := range p.Graph.Stages(counts, 2) {
			fmt.Fprintf(tab, "%s\t%.3f G\t\t  %s\n", grouped(s.Params), float64(s.MACs)/1e9, s.Name)
		}
	}
	fmt.Fprintf(tab, "%s\t%.3f G\t\t  all\n", grouped(total.Params), float64(total.MACs)/1e9)
	return tab.Flush()
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
