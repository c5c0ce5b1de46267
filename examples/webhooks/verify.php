<?php

/** True when $rawBody (file_get_contents('php://input')) was signed with $secret in the last five minutes. */
function verify(string $rawBody, string $header, string $secret): bool
{
    parse_str(strtr($header, ',', '&'), $fields);
    $sent = $fields['t'] ?? '';
    if (!ctype_digit($sent) || abs(time() - (int) $sent) > 300) {
        return false;
    }
    return hash_equals(hash_hmac('sha256', "$sent.$rawBody", $secret), $fields['v0'] ?? '');
}
