package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newMan() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "man [COMMAND]",
		Short: "Print the manual page of a command, or write all of them",
		Long: `Print the manual page of a command, made from its flags. With -o, write the pages
of all commands into a folder, spinemask.1 and one for each command.`,
		Example: `  spinemask man segment | man -l -
  spinemask man -o ~/.local/share/man/man1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if out != "" {
				return writeManPages(root, out)
			}
			page, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return hinted{fmt.Errorf("man: no command %q", strings.Join(args, " ")), "spinemask --help lists the commands"}
			}
			return manPage(cmd.OutOrStdout(), page)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "`folder` for the pages of all commands")
	return cmd
}

// writeManPages writes the page of a command, and those of the commands below it.
func writeManPages(c *cobra.Command, folder string) error {
	name := filepath.Join(folder, manName(c)+".1")
	if err := writeFile(name, func(w io.Writer) error { return manPage(w, c) }); err != nil {
		return err
	}
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if err := writeManPages(sub, folder); err != nil {
			return err
		}
	}
	return nil
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage writes a page in the language of man(7). Texts are kept line by line: they are tables as often as prose.
func manPage(w io.Writer, c *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"spinemask %s\" \"\"\n", strings.ToUpper(roff(manName(c))), roff(version()))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(manName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(c.UseLine()))
	if c.Long != "" {
		verbatim(&b, "DESCRIPTION", c.Long)
	}
	if c.LocalFlags().HasAvailableFlags() {
		b.WriteString(".SH OPTIONS\n")
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { manFlag(&b, f) })
	}
	if c.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(manName(sub)), roff(sub.Short))
			}
		}
	}
	if c.Example != "" {
		verbatim(&b, "EXAMPLES", c.Example)
	}
	if c.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(c.Parent())))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func verbatim(b *strings.Builder, section, text string) {
	fmt.Fprintf(b, ".SH %s\n.nf\n%s\n.fi\n", section, roff(strings.Trim(text, "\n")))
}

func manFlag(b *strings.Builder, f *pflag.Flag) {
	if f.Hidden {
		return
	}
	value, usage := pflag.UnquoteUsage(f)
	b.WriteString(".TP\n")
	if f.Shorthand != "" {
		fmt.Fprintf(b, "\\fB\\-%s\\fR, ", f.Shorthand)
	}
	fmt.Fprintf(b, "\\fB\\-\\-%s\\fR", roff(f.Name))
	if value != "" {
		fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
	}
	switch f.DefValue {
	case "", "0", "false", "[]":
	default:
		usage += " (default " + strings.Trim(f.DefValue, "[]") + ")"
	}
	fmt.Fprintf(b, "\n%s\n", roff(usage))
}

// roff writes text so that man(7) prints it as it is.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...").Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
