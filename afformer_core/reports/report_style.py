# SPDX-License-Identifier: Apache-2.0
"""Style sheet of the HTML pages of replays and evaluations."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
       max-width: 900px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0.2em; } h2 { font-size: 1.15em; margin: 1.8em 0 0.4em; }
table { border-collapse: collapse; margin: 0.5em 0; }
th, td { text-align: left; padding: 0.2em 1.2em 0.2em 0; border-bottom: 1px solid #e3e6ea;
         vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
p.note { color: #57606a; margin: 0.2em 0 0.5em; }
.big { display: flex; flex-wrap: wrap; gap: 2em; margin: 1em 0; }
.big b { display: block; font-size: 1.7em; line-height: 1.2; }
.sheet { display: grid; grid-template-columns: repeat(3, 1fr); gap: 8px; }
.sheet figure { margin: 0; } .sheet img { width: 100%; display: block; }
.sheet figcaption { font-size: 0.8em; color: #57606a; }
svg { display: block; max-width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: #57606a; }
svg .grid { stroke: #e3e6ea; } svg .axis { stroke: #8c959f; }
svg .threshold { stroke: #1b1f24; stroke-dasharray: 4 3; }
.key { display: inline-block; width: 0.8em; height: 0.8em; margin: 0 0.35em 0 1em; }
"""
