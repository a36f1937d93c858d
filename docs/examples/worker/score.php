#!/usr/bin/env php
<?php
// A worker in PHP: an event on each line of stdin, an answer on a line of stdout.

class Permanent extends Exception {}  // trying again would not help

$scores = [];  // a process that lives on can keep what it needs

function score(array $event, array &$scores): void
{
    [$user, $amount] = $event['args'] + [null, null];
    if (!is_numeric($amount)) throw new InvalidArgumentException('no amount');
    if ($amount < 0) throw new Permanent('a negative amount');
    $scores[$user] = ($scores[$user] ?? 0) + intdiv($amount, 100);
}

while (($line = fgets(STDIN)) !== false) {
    $event = json_decode($line, true);
    $reply = ['id' => $event['id'], 'handler' => $event['handler']];
    try {
        score($event, $scores);
        $reply['ok'] = true;
    } catch (Throwable $error) {
        $reply['error'] = $error->getMessage();
        $reply['permanent'] = $error instanceof Permanent;
    }
    echo json_encode($reply), "\n";
}
